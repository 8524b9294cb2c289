//! An archive from a host, which may be hostile: nothing is written outside the place that was asked for.
//!
//! Only plain files, directories, symbolic links and hard links within the archive are taken, each name once, none with `..` or a
//! root. Links are made after everything else, so nothing is written through them.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use tar::{Archive, Entry, EntryType};

/// What an archive was.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unpacked {
    /// One file, unpacked as the place itself.
    File,
    /// The content of a directory.
    Tree,
}

struct Unpacker<'a> {
    root: &'a Path,
    /// Modes of directories, set at the end: one may forbid writing.
    directories: Vec<(PathBuf, u32)>,
    links: Vec<(PathBuf, PathBuf)>,
}

/// Unpacks an archive as `root`, which does not exist yet.
pub(super) fn unpack(from: impl Read, root: &Path) -> io::Result<Unpacked> {
    let mut archive = Archive::new(from);
    let mut unpacker = Unpacker { root, directories: Vec::new(), links: Vec::new() };
    let mut kind = None;
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = safe_name(&entry.path()?)?;
        let is_root = name.as_os_str().is_empty();
        match kind {
            None if is_root && entry.header().entry_type().is_dir() => kind = Some(Unpacked::Tree),
            None if entry.header().entry_type().is_file() => {
                write_file(&mut entry, root)?;
                kind = Some(Unpacked::File);
                continue;
            }
            None | Some(Unpacked::File) => return Err(bad("it does not begin with one file or a directory")),
            Some(Unpacked::Tree) if is_root => return Err(bad("its root stands twice")),
            Some(Unpacked::Tree) => {}
        }
        unpacker.take(&mut entry, &name)?;
    }
    unpacker.finish()?;
    // The rest of the stream is padding; a sender that still writes must not be cut off.
    io::copy(&mut archive.into_inner(), &mut io::sink())?;
    kind.ok_or_else(|| bad("it is empty"))
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// The name without `.`; refuses everything that could lead outside.
fn safe_name(path: &Path) -> io::Result<PathBuf> {
    let mut name = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => name.push(part),
            Component::CurDir => {}
            _ => return Err(bad(&format!("an entry leads outside: {:?}", path))),
        }
    }
    Ok(name)
}

fn write_file(entry: &mut Entry<'_, impl Read>, path: &Path) -> io::Result<()> {
    let mode = entry.header().mode()? & 0o777;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let expected = entry.size();
    let written = io::copy(entry, &mut file)?;
    if written != expected {
        return Err(bad("it ended early"));
    }
    file.set_permissions(Permissions::from_mode(mode))
}

impl Unpacker<'_> {
    fn take(&mut self, entry: &mut Entry<'_, impl Read>, name: &Path) -> io::Result<()> {
        let path = self.root.join(name);
        match entry.header().entry_type() {
            EntryType::Directory => {
                self.directories.push((path.clone(), entry.header().mode()? & 0o777));
                fs::DirBuilder::new().mode(0o700).create(&path)
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => write_file(entry, &path),
            EntryType::Link => {
                let target = entry.link_name()?.ok_or_else(|| bad("a link without a target"))?;
                let target = self.root.join(safe_name(&target)?);
                // No link exists yet, so this is a file of the archive itself.
                fs::copy(target, &path).map(drop)
            }
            EntryType::Symlink => {
                let target = entry.link_name()?.ok_or_else(|| bad("a link without a target"))?;
                self.links.push((path, target.into_owned()));
                Ok(())
            }
            other => Err(bad(&format!("an entry of a kind that is not taken: {other:?} {name:?}"))),
        }
    }

    fn finish(self) -> io::Result<()> {
        for (path, target) in self.links {
            symlink(target, path)?;
        }
        for (path, mode) in self.directories.into_iter().rev() {
            fs::set_permissions(path, Permissions::from_mode(mode))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(archive: &mut tar::Builder<Vec<u8>>, kind: EntryType, name: &str, link: &str, data: &[u8]) {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o4755);
        header.set_size(data.len() as u64);
        // Written past the library's own checks, as a hostile host would.
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_gnu_mut().unwrap().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        archive.append(&header, data).unwrap();
    }

    fn tree(entries: &[(EntryType, &str, &str)]) -> (tempfile::TempDir, io::Result<Unpacked>) {
        let mut archive = tar::Builder::new(Vec::new());
        entry(&mut archive, EntryType::Directory, "./", "", b"");
        for (kind, name, link) in entries {
            let data: &[u8] = if *kind == EntryType::Regular { b"data" } else { b"" };
            entry(&mut archive, *kind, name, link, data);
        }
        let directory = tempfile::tempdir().unwrap();
        let bytes = archive.into_inner().unwrap();
        let done = unpack(bytes.as_slice(), &directory.path().join("root"));
        (directory, done)
    }

    #[test]
    fn hostile_archives_write_nothing_outside() {
        let outside = tempfile::tempdir().unwrap();
        let out = outside.path().to_str().unwrap();
        let inside_out = format!("{out}/x");
        let cases: [&[(EntryType, &str, &str)]; 9] = [
            &[(EntryType::Regular, "../x", "")],
            &[(EntryType::Regular, "a/../../x", "")],
            &[(EntryType::Regular, &inside_out, "")],
            &[(EntryType::Symlink, "l", out), (EntryType::Regular, "l/x", "")],
            &[(EntryType::Link, "h", "../../etc/passwd")],
            &[(EntryType::Link, "h", "/etc/passwd")],
            &[(EntryType::Char, "c", "")],
            &[(EntryType::Fifo, "f", "")],
            &[(EntryType::Regular, "twice", ""), (EntryType::Regular, "twice", "")],
        ];
        for case in cases {
            let (directory, done) = tree(case);
            assert!(done.is_err(), "{case:?}");
            assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0, "{case:?}");
            assert!(fs::read_dir(directory.path()).unwrap().all(|e| e.unwrap().file_name() == "root"), "{case:?}");
        }
    }

    #[test]
    fn modes_links_and_cut_archives() {
        let good = [
            (EntryType::Regular, "a", ""),
            (EntryType::Link, "hard", "./a"),
            (EntryType::Symlink, "soft", "/anywhere"),
            (EntryType::Directory, "d", ""),
            (EntryType::Regular, "d/b", ""),
        ];
        let (directory, done) = tree(&good);
        assert_eq!(done.unwrap(), Unpacked::Tree);
        let root = directory.path().join("root");
        assert_eq!(fs::read(root.join("hard")).unwrap(), b"data");
        assert_eq!(fs::read_link(root.join("soft")).unwrap(), Path::new("/anywhere"));
        // Set-user-id bits do not travel.
        assert_eq!(fs::metadata(root.join("d/b")).unwrap().permissions().mode() & 0o7777, 0o755);
        let mut archive = tar::Builder::new(Vec::new());
        entry(&mut archive, EntryType::Regular, "a", "", &[7; 5000]);
        let bytes = archive.into_inner().unwrap();
        let directory = tempfile::tempdir().unwrap();
        for (index, cut) in [0, 100, 600, 5000].into_iter().enumerate() {
            let cut = bytes.get(..cut).unwrap();
            assert!(unpack(cut, &directory.path().join(index.to_string())).is_err());
        }
        assert_eq!(unpack(bytes.as_slice(), &directory.path().join("whole")).unwrap(), Unpacked::File);
    }
}
