//! Chunks of output of many hosts become whole lines of each host and stream.

use std::collections::HashMap;

use deploy_inventory::HostId;
use deploy_plan::Stream;

use crate::{LineFilter, Scrubber, Secrets};

struct Channel {
    scrubber: Scrubber,
    filter: LineFilter,
}

/// Keeps what has come of a line, host by host and stream by stream; secrets are taken out before lines are made.
pub(crate) struct Assembler {
    secrets: Secrets,
    channels: HashMap<(HostId, Stream), Channel>,
}

impl Assembler {
    pub(crate) fn new(secrets: Secrets) -> Self {
        Self { secrets, channels: HashMap::new() }
    }

    /// Takes a chunk and gives the lines that it completes.
    pub(crate) fn push(&mut self, host: &HostId, stream: Stream, bytes: &[u8]) -> Vec<String> {
        let channel = self
            .channels
            .entry((host.clone(), stream))
            .or_insert_with(|| Channel { scrubber: self.secrets.stream(), filter: LineFilter::new() });
        let mut clean = Vec::with_capacity(bytes.len());
        channel.scrubber.push(bytes, &mut clean);
        let mut lines = Vec::new();
        channel.filter.push(&clean, &mut lines);
        lines
    }

    /// The line of a host as far as it has come.
    pub(crate) fn partial(&self, host: &HostId, stream: Stream) -> Option<&str> {
        self.channels.get(&(host.clone(), stream)).map(|c| c.filter.partial()).filter(|text| !text.trim().is_empty())
    }

    /// Ends both streams of a host: what is left of them are its last lines.
    pub(crate) fn finish(&mut self, host: &HostId) -> Vec<(Stream, String)> {
        let mut all = Vec::new();
        for stream in [Stream::Out, Stream::Err] {
            let Some(mut channel) = self.channels.remove(&(host.clone(), stream)) else { continue };
            let (mut clean, mut lines) = (Vec::new(), Vec::new());
            channel.scrubber.finish(&mut clean);
            channel.filter.push(&clean, &mut lines);
            channel.filter.finish(&mut lines);
            all.extend(lines.into_iter().map(|line| (stream, line)));
        }
        all
    }

    /// Ends everything that is left, in the order of the hosts' names.
    pub(crate) fn finish_all(&mut self) -> Vec<(HostId, Stream, String)> {
        let mut hosts: Vec<HostId> = self.channels.keys().map(|(host, _)| host.clone()).collect();
        hosts.sort();
        hosts.dedup();
        hosts
            .into_iter()
            .flat_map(|host| {
                self.finish(&host).into_iter().map(|(s, line)| (host.clone(), s, line)).collect::<Vec<_>>()
            })
            .collect()
    }
}
