//! The packed form of rows of short texts: each field is front-coded against the same field of the
//! row before. Ids of one folder share most of their characters, so a row of four ids and keys
//! costs some sixty bytes instead of four hundred.

/// The first byte of every packed record.
const FORMAT: u8 = 1;

/// Packs rows of `N` texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packer<const N: usize> {
    bytes: Vec<u8>,
    last: [String; N],
    rows: usize,
}

impl<const N: usize> Default for Packer<N> {
    fn default() -> Self {
        Self { bytes: vec![FORMAT], last: std::array::from_fn(|_| String::new()), rows: 0 }
    }
}

impl<const N: usize> Packer<N> {
    /// Appends a row.
    pub(crate) fn push(&mut self, row: &[&str; N]) {
        for (last, text) in self.last.iter_mut().zip(row) {
            let shared = shared_prefix(last, text);
            let (_, rest) = text.split_at_checked(shared).unwrap_or((text, ""));
            put_number(&mut self.bytes, shared);
            put_number(&mut self.bytes, rest.len());
            self.bytes.extend_from_slice(rest.as_bytes());
            last.truncate(shared);
            last.push_str(rest);
        }
        self.rows += 1;
    }

    /// The bytes so far.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Goes on after packed bytes; `None` when they are damaged.
    pub(crate) fn resume(bytes: Vec<u8>) -> Option<Self> {
        let mut rows = Rows::<N>::new(&bytes)?;
        let mut count = 0;
        while rows.step()? {
            count += 1;
        }
        let last = rows.last;
        Some(Self { bytes, last, rows: count })
    }
}

/// Reads packed rows one after the other.
pub(crate) struct Rows<'a, const N: usize> {
    rest: &'a [u8],
    last: [String; N],
}

impl<'a, const N: usize> Rows<'a, N> {
    /// A reader; `None` when the bytes are of another format.
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Self> {
        let (format, rest) = bytes.split_first()?;
        (*format == FORMAT).then(|| Self { rest, last: std::array::from_fn(|_| String::new()) })
    }

    /// Moves to the next row: `Some(false)` at the end, `None` when the bytes are damaged.
    pub(crate) fn step(&mut self) -> Option<bool> {
        if self.rest.is_empty() {
            return Some(false);
        }
        for last in &mut self.last {
            let shared = take_number(&mut self.rest)?;
            let length = take_number(&mut self.rest)?;
            let (text, rest) = self.rest.split_at_checked(length)?;
            self.rest = rest;
            if !last.is_char_boundary(shared) {
                return None;
            }
            last.truncate(shared);
            last.push_str(std::str::from_utf8(text).ok()?);
        }
        Some(true)
    }

    /// The row that [`Rows::step`] moved to.
    pub(crate) fn row(&self) -> &[String; N] {
        &self.last
    }
}

fn shared_prefix(a: &str, b: &str) -> usize {
    let mut at = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    while !(a.is_char_boundary(at) && b.is_char_boundary(at)) {
        at -= 1; // ends at 0, which is a boundary
    }
    at
}

fn put_number(bytes: &mut Vec<u8>, mut number: usize) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(low & 0x7f);
            return;
        }
        bytes.push(low | 0x80);
    }
}

fn take_number(bytes: &mut &[u8]) -> Option<usize> {
    let mut number: usize = 0;
    for shift in (0..usize::BITS).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let part = usize::from(byte & 0x7f).checked_shl(shift)?;
        number |= part;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpack(bytes: &[u8]) -> Option<Vec<[String; 2]>> {
        let mut rows = Rows::<2>::new(bytes)?;
        let mut all = Vec::new();
        while rows.step()? {
            all.push(rows.row().clone());
        }
        Some(all)
    }

    #[test]
    fn rows_come_back_as_they_went_in_also_after_a_resumption() {
        let rows = [["AAMkAGI1", "é"], ["AAMkAGI2", "è"], ["", ""], ["AAMk", &"x".repeat(300)]];
        let mut packer = Packer::<2>::default();
        for row in &rows {
            packer = Packer::resume(packer.bytes().to_vec()).unwrap();
            packer.push(row);
        }
        assert_eq!(packer.rows(), rows.len());
        assert_eq!(unpack(packer.bytes()).unwrap(), rows.map(|row| row.map(str::to_owned)));
    }

    #[test]
    fn damaged_bytes_are_noticed_and_never_a_panic() {
        let mut packer = Packer::<2>::default();
        packer.push(&["abc", "déf"]);
        packer.push(&["abd", "dég"]);
        let good = packer.bytes().to_vec();
        for cut in 0..good.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut bad = good.clone();
                bad[cut] ^= flip;
                let _survives = unpack(&bad);
                let _survives = unpack(&bad[..cut]);
            }
        }
        assert_eq!(unpack(&[9, 9]), None);
        assert_eq!(unpack(&[]), None);
    }
}
