package jail

const multiarch = "x86_64-linux-gnu"
