package jail

const multiarch = "aarch64-linux-gnu"
