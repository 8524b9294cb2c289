//! The part of Ruby's standard library that programs reach through constants.

mod active_support;
mod binding;
mod date;
mod digest;
mod dir;
mod encoding;
mod env;
mod erb;
mod file;
mod fileutils;
mod glob;
mod json;
mod ostruct;
mod pack;
mod path;
mod pathname;
mod process;
mod set;
mod stream;
mod text;
mod uri;
mod version;
mod yaml;
mod yaml_load;

pub(crate) use active_support::method as active_support;
pub(crate) use binding::binding;
pub(crate) use date::date;
pub(crate) use encoding::encoding;
pub(crate) use env::env;
pub(crate) use fileutils::FILE_UTILS;
pub(crate) use json::to_json;
pub(crate) use pack::{pack, unpack};
pub(crate) use path::{dirname, expand, join_path};
pub use pathname::Pathname;
pub(crate) use pathname::pathname;
pub(crate) use set::set;
pub(crate) use stream::{is_standard, stream};
pub(crate) use text::{shellescape, shellsplit};
pub(crate) use uri::uri;
pub(crate) use yaml::to_yaml;

use crate::interp::{Args, Call, Reply};
use crate::value::Unwind;

/// Names for `require` whose contents are built in.
const LIBRARIES: &[&str] = &[
    "json",
    "yaml",
    "psych",
    "erb",
    "set",
    "time",
    "date",
    "fileutils",
    "pathname",
    "tempfile",
    "tmpdir",
    "stringio",
    "securerandom",
    "digest",
    "digest/md5",
    "digest/sha1",
    "digest/sha2",
    "openssl",
    "base64",
    "shellwords",
    "uri",
    "etc",
    "socket",
    "open3",
    "ostruct",
    "logger",
    "rubygems",
    "bundler/setup",
    "timeout",
    "benchmark",
    "English",
    "forwardable",
    "singleton",
    "pp",
    "rbconfig",
    "io/console",
    "cgi",
    "delegate",
    "observer",
    "thread",
    "monitor",
    "strscan",
    "zlib",
    "net/http",
    "open-uri",
    "csv",
    "bigdecimal",
    "optparse",
    "readline",
    "enumerator",
    "abbrev",
    "digest/sha256",
    "dotenv",
    "dotenv/load",
    "find",
    "getoptlong",
    "io/wait",
    "ipaddr",
    "net/https",
    "net/scp",
    "net/sftp",
    "net/smtp",
    "net/ssh",
    "net/ssh/proxy/command",
    "net/ssh/proxy/jump",
    "prettyprint",
    "puma",
    "rake",
    "resolv",
    "tsort",
    "weakref",
];

/// Whether `require` of a name finds something that is built in.
#[must_use]
pub fn is_library(name: &str) -> bool {
    LIBRARIES.contains(&name) || active_support::is_part(name)
}

/// The paths that match a pattern of `Dir.glob`, sorted, from the working directory.
pub async fn glob(call: &Call, pattern: &str) -> Vec<String> {
    let directory = call.interp().effects().cwd();
    glob::glob(call, pattern, &directory, false).await
}

/// A class method of the library.
pub(crate) async fn class_call(call: &Call, class: &str, name: &str, args: &Args) -> Reply {
    match class {
        "File" | "IO" | "FileTest" => Box::pin(file::class_call(call, name, args)).await,
        "Dir" => Box::pin(dir::class_call(call, name, args)).await,
        "FileUtils" | "FileUtils::Verbose" => Box::pin(fileutils::class_call(call, name, args)).await,
        "Pathname" => Box::pin(pathname::class_call(call, name, args)).await,
        "StringIO" => stream::class_call(call, name, args),
        "JSON" => json::class_call(call, name, args),
        "YAML" | "Psych" => Box::pin(yaml::class_call(call, name, args)).await,
        "Shellwords" | "Base64" => text::class_call(call, name, args),
        "Set" => set::class_call(call, name, args),
        "Date" | "DateTime" => date::class_call(call, name, args),
        "URI" => uri::class_call(call, name, args),
        "ERB" => erb::class_call(call, name, args),
        "ERB::Util" | "CGI" => digest::escape_call(call, name, args),
        "Digest::MD5" | "Digest::SHA1" | "Digest::SHA256" | "Digest::SHA2" | "Digest::SHA384" | "Digest::SHA512" => {
            Box::pin(digest::class_call(call, class, name, args)).await
        }
        "SecureRandom" => digest::random_call(call, name, args),
        "OpenStruct" => ostruct::class_call(call, name, args),
        "Gem::Version" | "Gem::Requirement" => version::class_call(call, class, name, args),
        "Open3" | "Process" | "Etc" | "Socket" | "Dotenv" | "Timeout" | "Benchmark" | "Tempfile" | "Signal" => {
            Box::pin(process::class_call(call, class, name, args)).await
        }
        _ => Ok(None),
    }
}

/// Names for suggestions and `respond_to?`.
pub(crate) fn class_names(class: &str) -> &'static [&'static str] {
    match class {
        "File" | "IO" => file::NAMES,
        "Dir" => dir::NAMES,
        "FileUtils" => FILE_UTILS,
        "Time" => &["now", "at", "parse", "new", "local", "mktime", "utc", "gm", "iso8601"],
        "JSON" => &["parse", "generate", "pretty_generate", "dump", "load", "unparse", "pretty_unparse"],
        "YAML" | "Psych" => &["load", "load_file", "safe_load", "safe_load_file", "unsafe_load", "dump"],
        "Shellwords" => &["escape", "split", "join", "shellescape", "shellsplit", "shelljoin"],
        "Regexp" => &["new", "escape", "quote", "union", "compile", "last_match"],
        _ => &[],
    }
}

/// The exception for a failed local effect.
pub(crate) fn io_error(call: &Call, error: &std::io::Error, what: &str) -> Unwind {
    use std::io::ErrorKind;
    let (class, text) = match error.kind() {
        ErrorKind::NotFound => ("Errno::ENOENT", "No such file or directory"),
        ErrorKind::PermissionDenied => ("Errno::EACCES", "Permission denied"),
        ErrorKind::AlreadyExists => ("Errno::EEXIST", "File exists"),
        ErrorKind::IsADirectory => ("Errno::EISDIR", "Is a directory"),
        ErrorKind::NotADirectory => ("Errno::ENOTDIR", "Not a directory"),
        ErrorKind::DirectoryNotEmpty => ("Errno::ENOTEMPTY", "Directory not empty"),
        ErrorKind::InvalidInput => ("Errno::EINVAL", "Invalid argument"),
        _ => return call.raise("Errno::EIO", format!("{error} - {what}")),
    };
    call.raise(class, format!("{text} - {what}"))
}
