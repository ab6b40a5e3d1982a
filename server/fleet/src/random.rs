//! Marks that nobody can guess, from the kernel's random source.

/// 128 fresh random bits in hexadecimal: a mark that no output can forge.
pub(crate) fn sentinel() -> String {
    let mut bytes = [0_u8; 16];
    // Without randomness nothing here is safe: better no sweep than a mark that can be guessed.
    #[expect(clippy::expect_used, reason = "the kernel's random source does not fail on a running system")]
    getrandom::fill(&mut bytes).expect("the kernel gives random bytes");
    muxboard_core::hex::encode(&bytes)
}

/// 64 fresh random bits in hexadecimal: a word that no title or directory can hold that was there before it.
pub(crate) fn row_mark() -> String {
    let mut mark = sentinel();
    mark.truncate(16);
    mark
}
