//! Files that are changed for the user.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

/// What some editors write first; decoding drops it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What stands in a file in front of its text, a byte order mark or nothing.
///
/// # Errors
///
/// A file that no longer has the text that was analysed, or whose text was decoded from something else and cannot be written
/// back.
pub(crate) fn mark_of(path: &Path, text: &str) -> anyhow::Result<&'static [u8]> {
    let bytes = std::fs::read(path)?;
    let mark = if bytes.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK
    } else {
        b""
    };
    anyhow::ensure!(
        &bytes[mark.len()..] == text.as_bytes(),
        "the file is not UTF-8, or has changed; it is left as it is"
    );
    Ok(mark)
}

/// Replaces a file's text.
///
/// # Errors
///
/// As of [`mark_of`], and a file that cannot be written.
pub(crate) fn replace_text(path: &Path, before: &str, after: &str) -> anyhow::Result<()> {
    if before != after {
        replace(path, &[mark_of(path, before)?, after.as_bytes()].concat())?;
    }
    Ok(())
}

/// Replaces a file in one step: whoever reads it sees all or nothing of it, and if it fails it is as it was.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    // A link stays one.
    replace_entry(&path.canonicalize().unwrap_or_else(|_| path.to_owned()), bytes)
}

/// The same, where a link is replaced as a file would be.
pub(crate) fn replace_entry(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let place = || format!("cannot write {}", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).with_context(place)?;
    file.write_all(bytes).with_context(place)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // Temporary files are their owner's alone; this one is everybody's.
        let known = std::fs::symlink_metadata(path)
            .ok()
            .filter(std::fs::Metadata::is_file);
        let mode = known.map_or(0o644, |known| known.permissions().mode());
        file.as_file()
            .set_permissions(std::fs::Permissions::from_mode(mode))
            .with_context(place)?;
    }
    file.persist(path).with_context(place)?;
    Ok(())
}
