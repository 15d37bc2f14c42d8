//! The text form of a public key (RFC 7468).

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const LINE_CHARS: usize = 64;

/// A `SubjectPublicKeyInfo` as PEM.
pub fn public_key(der: &[u8]) -> String {
    let text = base64(der);
    let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
    for line in text.chunks(LINE_CHARS) {
        pem.extend(line);
        pem.push('\n');
    }
    pem + "-----END PUBLIC KEY-----\n"
}

fn base64(bytes: &[u8]) -> Vec<char> {
    let mut text = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            let sextet = (bits >> (18 - 6 * index)) & 0x3f;
            let is_padding = index > group.len();
            text.push(if is_padding { '=' } else { char::from(ALPHABET[sextet as usize]) });
        }
    }
    text
}
