//! A local directory as an archive.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::TransferProblem;
use super::bridge::Outlet;
use super::upload::local;

/// Writes the directory as `tree` and then the empty file `end`. Names are in order, so that the same tree is the same archive.
pub(super) fn pack(root: &Path, outlet: Outlet) -> Result<(), TransferProblem> {
    let mut archive = tar::Builder::new(outlet);
    archive.follow_symlinks(false);
    let mut open = vec![(root.to_owned(), PathBuf::from("tree"))];
    while let Some((path, name)) = open.pop() {
        let about = fs::symlink_metadata(&path).map_err(local(&path))?;
        let kind = about.file_type();
        let added = if kind.is_dir() {
            let mut names = Vec::new();
            for entry in fs::read_dir(&path).map_err(local(&path))? {
                names.push(entry.map_err(local(&path))?.file_name());
            }
            names.sort_by(|a, b| b.cmp(a));
            open.extend(names.into_iter().map(|entry| (path.join(&entry), name.join(&entry))));
            archive.append_dir(&name, &path)
        } else if kind.is_file() || kind.is_symlink() {
            archive.append_path_with_name(&path, &name)
        } else {
            Err(io::Error::other("it is neither a file nor a directory nor a link"))
        };
        added.map_err(local(&path))?;
    }
    let mut end = tar::Header::new_gnu();
    end.set_size(0);
    end.set_mode(fs::Permissions::from_mode(0o600).mode());
    archive.append_data(&mut end, "end", io::empty()).map_err(local(root))?;
    let mut outlet = archive.into_inner().map_err(local(root))?;
    io::Write::flush(&mut outlet).map_err(local(root))
}
