//! What one call does. The guest `bench-guest` has a loop for each.

/// Records of one call.
const RECORDS: u32 = 1000;

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    /// `add: func(a: u32, b: u32) -> u32`
    Add,
    /// `echo: func(b: list<u8>) -> list<u8>` with so many bytes.
    Bytes(u32),
    /// `records: func(rows: list<row>) -> list<row>` with so many rows `{u32, string, f64}`.
    Records(u32),
}

impl Workload {
    /// In the order of the table.
    pub(crate) const ALL: [Self; 5] =
        [Self::Add, Self::Bytes(64), Self::Bytes(64 << 10), Self::LARGEST, Self::Records(RECORDS)];

    /// The largest list.
    pub(crate) const LARGEST: Self = Self::Bytes(1 << 20);

    /// As the table names it.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Add => "add(u32,u32)".to_owned(),
            Self::Bytes(bytes) if bytes >= 1 << 20 => format!("{} MiB", bytes >> 20),
            Self::Bytes(bytes) if bytes >= 1 << 10 => format!("{} KiB", bytes >> 10),
            Self::Bytes(bytes) => format!("{bytes} B"),
            Self::Records(count) => format!("{count} records"),
        }
    }

    /// Bytes of the arguments and of the result on the wire, without frames: PROTOCOL.md, "Values".
    pub(crate) fn wire_bytes(self) -> (usize, usize) {
        const COUNT: usize = size_of::<u32>();
        let length = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        match self {
            Self::Add => (2 * size_of::<u32>(), size_of::<u32>()),
            Self::Bytes(bytes) => (COUNT + length(bytes), COUNT + length(bytes)),
            Self::Records(count) => {
                // What bench-guest puts into a row.
                let name = |id: u32| format!("row {id}").len();
                let row = |id| size_of::<u32>() + COUNT + name(id) + size_of::<f64>();
                let rows = COUNT + (0..count).map(row).sum::<usize>();
                (rows, rows)
            }
        }
    }
}
