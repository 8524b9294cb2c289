//! OpenSSH's binary revocation lists (`ssh-keygen -k`), as its PROTOCOL.krl describes them.
//!
//! A list that is cut off, of another version, or with something critical that is not known here is an error: it must not open
//! the door. Signatures of lists are passed over, as newer versions of OpenSSH do.

use ring::digest;

/// What every list begins with.
pub(super) const MAGIC: &[u8] = b"SSHKRL\n\0";

const VERSION: u32 = 1;

mod section {
    pub(super) const CERTIFICATES: u8 = 1;
    pub(super) const KEYS: u8 = 2;
    pub(super) const SHA1: u8 = 3;
    pub(super) const SIGNATURE: u8 = 4;
    pub(super) const SHA256: u8 = 5;
    pub(super) const EXTENSION: u8 = 255;
}

mod certificates {
    pub(super) const SERIALS: u8 = 0x20;
    pub(super) const RANGE: u8 = 0x21;
    pub(super) const BITMAP: u8 = 0x22;
    pub(super) const KEY_IDS: u8 = 0x23;
    pub(super) const EXTENSION: u8 = 0x39;
}

/// A list that was read.
#[derive(Debug, Clone, Default)]
pub(super) struct Krl {
    keys: Vec<Vec<u8>>,
    sha1: Vec<Vec<u8>>,
    sha256: Vec<Vec<u8>>,
    certificates: Vec<Revoked>,
}

/// Certificates of one authority.
#[derive(Debug, Clone, Default)]
struct Revoked {
    /// Its key; empty for every authority.
    authority: Vec<u8>,
    ranges: Vec<(u64, u64)>,
    /// The serial of the lowest bit, and the bits as a big number.
    bitmaps: Vec<(u64, Vec<u8>)>,
    ids: Vec<Vec<u8>>,
}

/// Why a list cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum KrlError {
    #[error("the revocation list (KRL) ends too early")]
    Short,
    #[error("it is no revocation list (KRL)")]
    Magic,
    #[error("it is a revocation list (KRL) of version {0}; only version 1 is known")]
    Version(u32),
    #[error("the revocation list (KRL) has a part of kind {0} that is not known")]
    Unknown(u8),
    #[error("the revocation list (KRL) has a critical extension that is not known")]
    Critical,
}

/// What is left to be read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8], KrlError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(KrlError::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, KrlError> {
        self.bytes(1)?.first().copied().ok_or(KrlError::Short)
    }

    fn number(&mut self) -> Result<u32, KrlError> {
        let bytes = self.bytes(4)?.try_into().map_err(|_| KrlError::Short)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn long(&mut self) -> Result<u64, KrlError> {
        let bytes = self.bytes(8)?.try_into().map_err(|_| KrlError::Short)?;
        Ok(u64::from_be_bytes(bytes))
    }

    fn string(&mut self) -> Result<&'a [u8], KrlError> {
        let length = usize::try_from(self.number()?).map_err(|_| KrlError::Short)?;
        self.bytes(length)
    }

    fn strings(mut self) -> Result<Vec<Vec<u8>>, KrlError> {
        let mut all = Vec::new();
        while !self.0.is_empty() {
            all.push(self.string()?.to_vec());
        }
        Ok(all)
    }

    /// An extension: passed over unless it must not be.
    fn extension(mut self) -> Result<(), KrlError> {
        self.string()?;
        if self.byte()? == 0 { Ok(()) } else { Err(KrlError::Critical) }
    }
}

impl Krl {
    pub(super) fn parse(content: &[u8]) -> Result<Self, KrlError> {
        let mut reader = Reader(content.strip_prefix(MAGIC).ok_or(KrlError::Magic)?);
        match reader.number()? {
            VERSION => {}
            other => return Err(KrlError::Version(other)),
        }
        // The list's own version, its date, flags, something reserved, a comment.
        reader.bytes(24)?;
        reader.string()?;
        reader.string()?;
        let mut krl = Self::default();
        while !reader.0.is_empty() {
            let kind = reader.byte()?;
            let data = Reader(reader.string()?);
            match kind {
                section::CERTIFICATES => krl.certificates.push(Revoked::parse(data)?),
                section::KEYS => krl.keys.extend(data.strings()?),
                section::SHA1 => krl.sha1.extend(data.strings()?),
                section::SHA256 => krl.sha256.extend(data.strings()?),
                // What was read is the signer's key; the signature stands behind it.
                section::SIGNATURE => drop(reader.string()?),
                section::EXTENSION => data.extension()?,
                other => return Err(KrlError::Unknown(other)),
            }
        }
        Ok(krl)
    }

    /// Whether a plain key is revoked.
    pub(super) fn has_key(&self, key: &[u8]) -> bool {
        let is = |list: &[Vec<u8>], algorithm| {
            !list.is_empty() && list.iter().any(|sum| sum == digest::digest(algorithm, key).as_ref())
        };
        self.keys.iter().any(|other| other == key)
            || is(&self.sha1, &digest::SHA1_FOR_LEGACY_USE_ONLY)
            || is(&self.sha256, &digest::SHA256)
    }

    /// Whether a certificate is revoked by what its authority wrote into it. Its key and its authority's are keys of their own.
    pub(super) fn has_certificate(&self, authority: &[u8], serial: u64, id: &[u8]) -> bool {
        let of_it = |revoked: &&Revoked| revoked.authority.is_empty() || revoked.authority == authority;
        self.certificates.iter().filter(of_it).any(|revoked| revoked.has(serial, id))
    }
}

impl Revoked {
    fn parse(mut reader: Reader<'_>) -> Result<Self, KrlError> {
        let mut revoked = Self { authority: reader.string()?.to_vec(), ..Self::default() };
        reader.string()?;
        while !reader.0.is_empty() {
            let kind = reader.byte()?;
            let mut data = Reader(reader.string()?);
            match kind {
                certificates::SERIALS => {
                    while !data.0.is_empty() {
                        let serial = data.long()?;
                        revoked.ranges.push((serial, serial));
                    }
                }
                certificates::RANGE => revoked.ranges.push((data.long()?, data.long()?)),
                certificates::BITMAP => revoked.bitmaps.push((data.long()?, data.string()?.to_vec())),
                certificates::KEY_IDS => revoked.ids.extend(data.strings()?),
                certificates::EXTENSION => data.extension()?,
                other => return Err(KrlError::Unknown(other)),
            }
        }
        Ok(revoked)
    }

    fn has(&self, serial: u64, id: &[u8]) -> bool {
        if self.ids.iter().any(|other| other == id) {
            return true;
        }
        // Zero is what authorities write that give no numbers: it says nothing.
        serial != 0
            && (self.ranges.iter().any(|(from, to)| (*from..=*to).contains(&serial))
                || self
                    .bitmaps
                    .iter()
                    .any(|(from, bits)| serial.checked_sub(*from).is_some_and(|bit| is_set(bits, bit))))
    }
}

/// A bit of a big number, counted from the lowest.
fn is_set(number: &[u8], bit: u64) -> bool {
    let byte = usize::try_from(bit / 8).ok().and_then(|index| number.iter().rev().nth(index));
    byte.is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(bytes: &[u8]) -> Vec<u8> {
        [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
    }

    fn list(sections: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let mut all = [MAGIC, &1u32.to_be_bytes(), &[0; 24], &string(b""), &string(b"a comment")].concat();
        for (kind, data) in sections {
            all.push(*kind);
            all.extend(string(data));
        }
        all
    }

    #[test]
    fn bits_count_from_the_lowest() {
        for (bit, set) in [(0, true), (1, false), (8, false), (15, true), (16, false), (u64::MAX, false)] {
            assert_eq!(is_set(&[0x80, 0x01], bit), set, "{bit}");
        }
    }

    #[test]
    fn what_is_cut_or_not_known_is_an_error() {
        let bitmap = [&9u64.to_be_bytes()[..], &string(&[0b101])].concat();
        let mut part = [string(b""), string(b"")].concat();
        part.push(certificates::BITMAP);
        part.extend(string(&bitmap));
        let whole = list(&[(section::CERTIFICATES, part), (section::KEYS, string(b"key"))]);
        let krl = Krl::parse(&whole).unwrap();
        assert!(krl.has_key(b"key") && !krl.has_key(b"other"));
        let serials: Vec<u64> = (0..20).filter(|serial| krl.has_certificate(b"any", *serial, b"id")).collect();
        assert_eq!(serials, [9, 11]);
        for end in 0..whole.len() {
            // A list that ends behind a whole section is a list.
            if let Ok(shorter) = Krl::parse(&whole[..end]) {
                assert!(!shorter.has_key(b"key"), "{end}");
            }
        }
        let mut other = whole.clone();
        other[11] = 2;
        assert_eq!(Krl::parse(&other).unwrap_err(), KrlError::Version(2));
        let extension = |critical: u8| [string(b"name"), vec![critical], string(b"")].concat();
        assert!(Krl::parse(&list(&[(section::EXTENSION, extension(0))])).is_ok());
        assert_eq!(Krl::parse(&list(&[(section::EXTENSION, extension(1))])).unwrap_err(), KrlError::Critical);
        assert_eq!(Krl::parse(&list(&[(77, vec![])])).unwrap_err(), KrlError::Unknown(77));
        assert_eq!(Krl::parse(b"ssh-ed25519 AAAA").unwrap_err(), KrlError::Magic);
    }
}
