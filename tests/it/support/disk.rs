//! A disk that fills up at once.
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::process::{Command, Stdio};

use super::Project;

/// A file system of a few kibibytes in the folder `disk` of a project.
pub(crate) struct SmallDisk<'a>(&'a Project);

impl<'a> SmallDisk<'a> {
    /// Mounts it; `None`, said aloud, where this user may not.
    pub(crate) fn mount(project: &'a Project, kibibytes: u32) -> Option<Self> {
        project.write("disk/file", "");
        let disk = Self(project);
        if disk.command(&["-t", "tmpfs", "-o", &format!("size={kibibytes}k"), "tmpfs"]) {
            return Some(disk);
        }
        println!("skipped: this user may not mount a small disk");
        std::mem::forget(disk);
        None
    }

    /// Makes room.
    pub(crate) fn grow(&self) {
        assert!(self.command(&["-o", "remount,size=4m"]), "the disk cannot grow");
    }

    fn command(&self, arguments: &[&str]) -> bool {
        let mut mount = Command::new("mount");
        mount.args(arguments).arg(self.0.path("disk")).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success())
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path("disk")).status();
    }
}
