//! The hash of a line that GitHub code scanning recognises an alert by, `primaryLocationLineHash`.
//!
//! The upload action computes it too and complains about a different one; uploads through the API have only ours.

use std::collections::BTreeMap;

/// How many UTF-16 units a hash covers, from the start of its line on and across the following lines.
const WINDOW: usize = 100;
const FACTOR: u64 = 37;
/// Stands behind the last unit of a file, so that a file's last lines differ from equal lines in its middle.
const END: u16 = 0xffff;

/// The hash of every line, `hash:n` for the n-th line of the file with that hash.
///
/// Spaces and tabs do not count, and every line end is one LF, so that neither formatting nor Git's line end conversion
/// makes a new alert.
pub(super) fn line_hashes(text: &str) -> Vec<String> {
    let (units, starts) = significant_units(text);
    let mut seen = BTreeMap::<u64, usize>::new();
    starts
        .into_iter()
        .map(|start| {
            // Behind the end marker, the window is filled with zeros.
            let unit = |ix: usize| units.get(ix).copied().map_or(0, u64::from);
            let hash = (start..start + WINDOW)
                .fold(0u64, |hash, ix| hash.wrapping_mul(FACTOR).wrapping_add(unit(ix)));
            let nth = seen.entry(hash).or_default();
            *nth += 1;
            format!("{hash:x}:{nth}")
        })
        .collect()
}

/// The units that are hashed, with the end marker, and the index of each line's first one.
fn significant_units(text: &str) -> (Vec<u16>, Vec<usize>) {
    const LF: u16 = b'\n' as u16;
    const CR: u16 = b'\r' as u16;
    const SPACE: u16 = b' ' as u16;
    const TAB: u16 = b'\t' as u16;

    let mut units = Vec::with_capacity(text.len() + 1);
    let mut starts = Vec::new();
    let mut at_line_start = true;
    let mut after_cr = false;
    for unit in text.encode_utf16().chain([END]) {
        let ignored = matches!(unit, SPACE | TAB) || (after_cr && unit == LF);
        after_cr = unit == CR;
        if !ignored {
            if at_line_start {
                starts.push(units.len());
            }
            let unit = if unit == CR { LF } else { unit };
            at_line_start = unit == LF;
            units.push(unit);
        }
    }
    (units, starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_hashes(text: &str, expected: &[&str]) {
        assert_eq!(line_hashes(text), expected, "{text:?}");
    }

    /// The expected values were computed by a second implementation, which keeps a rolling hash as GitHub's does and
    /// was checked against GitHub's own test vectors.
    #[test]
    fn hashes_are_those_of_github() {
        check_hashes("", &["c129715d7a2bc9a3:1"]);
        let prints = line_hashes("x = 2\nx = 1\nprint(x)\nx = 3\nprint(x)\nx = 4\nprint(x)\n");
        assert_eq!(prints[0], "e54938cc54b302f1:1");
        check_hashes(
            "for b in books:\n\tb.save()\n",
            &["7cc6dc17cc3ef597:1", "ac3dc9cedfd6ea2d:1", "c129715d7a2bc9a3:1"],
        );
        // A lone CR ends a line, and so does an LF that something stands before.
        check_hashes(
            "é = '\u{1F600}'\rx \r \ny",
            &[
                "68e5105f3ee3a5b:1",
                "ea5c6c22b47aa350:1",
                "f85c2d2aa834d48e:1",
                "ed3261245082261c:1",
            ],
        );
    }

    #[test]
    fn formatting_and_line_ends_do_not_count() {
        let hashes = line_hashes("for b in books:\n\tb.save()\n");
        assert_eq!(hashes, line_hashes("for  b in books:\r\n    b.save()\r\n"));
    }

    #[test]
    fn equal_lines_are_numbered_while_their_windows_are_equal() {
        let hashes = line_hashes(&"b.save()\n".repeat(14));
        assert_eq!(hashes.len(), 15);
        assert_eq!(
            hashes[..3],
            ["3a74962aa977545c:1", "3a74962aa977545c:2", "3a74962aa977545c:3"]
        );
        // From here on, the end of the file is in the window.
        assert_eq!(hashes[3], "3a74962aa97853f9:1");
    }
}
