//! A plugin with the one-function interface `execute`, in Rust without any
//! crate: it takes the JSON text apart by hand and answers 0 for a loud note,
//! 1 for a soft one and 2 for a text it cannot read. Build:
//!
//!     rustc --crate-type cdylib -C panic=abort -O -o velocity.so velocity.rs

/// The number after `"velocity":`, if there is one.
fn velocity(json: &str) -> Option<u32> {
    let rest = json.split("\"velocity\":").nth(1)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// # Safety
///
/// `ptr` must lead to `len` bytes that stay valid during the call.
#[no_mangle]
pub unsafe extern "C" fn execute(ptr: *const u8, len: usize) -> i32 {
    let bytes = std::slice::from_raw_parts(ptr, len);
    match std::str::from_utf8(bytes).ok().and_then(velocity) {
        Some(v) if v >= 64 => 0,
        Some(_) => 1,
        None => 2,
    }
}
