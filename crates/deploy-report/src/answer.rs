//! An answer that the user asked for: a table whose rows are about hosts.

use deploy_inventory::HostId;

use crate::narrator::{Kind, Line, Narrator};
use crate::words::host_list;

impl Narrator {
    /// A table, hosts with the same row told once.
    pub(crate) fn answer(&self, columns: &[&str], rows: &[Vec<String>]) -> Vec<Line> {
        let mut groups: Vec<(&[String], Vec<HostId>)> = Vec::new();
        for row in rows {
            let Some((host, rest)) = row.split_first() else { continue };
            match groups.iter_mut().find(|(known, _)| *known == rest) {
                Some((_, hosts)) => hosts.push(HostId::new(host)),
                None => groups.push((rest, vec![HostId::new(host)])),
            }
        }
        let head = columns.iter().skip(1).map(|name| name.to_uppercase()).chain(["HOSTS".to_owned()]).collect();
        let cells = |(rest, hosts): (&[String], Vec<HostId>)| -> Vec<String> {
            let clean = rest.iter().enumerate().map(|(place, cell)| self.cell(columns.get(place + 1), cell));
            clean.chain([self.clean(&host_list(&hosts, 8))]).collect()
        };
        let lines: Vec<Vec<String>> = std::iter::once(head).chain(groups.into_iter().map(cells)).collect();
        let width = |place: usize| {
            lines.iter().filter_map(|line| line.get(place)).map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let render = |line: &Vec<String>| {
            let cells: Vec<String> =
                line.iter().enumerate().map(|(place, cell)| format!("{cell:w$}", w = width(place))).collect();
            Line { host: None, kind: Kind::Answer, text: cells.join("  ").trim_end().to_owned() }
        };
        lines.iter().map(render).collect()
    }
}
