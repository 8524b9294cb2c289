//! The live display on a small terminal made of memory.

use std::io;

use indicatif::TermLike;

use super::*;
use crate::sample;

const WIDTH: usize = 100;

/// A terminal that keeps everything it ever showed. The display fills each line to the edge and counts on the terminal
/// to go on in the next one when something more is written.
#[derive(Clone, Debug, Default)]
struct Screen(Arc<Mutex<Grid>>);

#[derive(Debug, Default)]
struct Grid {
    lines: Vec<Vec<char>>,
    row: usize,
    column: usize,
}

impl Grid {
    fn line(&mut self) -> &mut Vec<char> {
        if self.lines.len() <= self.row {
            self.lines.resize(self.row + 1, Vec::new());
        }
        &mut self.lines[self.row]
    }

    fn next_line(&mut self) {
        self.row += 1;
        self.column = 0;
    }

    /// A line feed as a terminal takes it: also at the right edge it is one line, not two.
    fn end_line(&mut self) {
        self.next_line();
    }

    fn put(&mut self, c: char) {
        match c {
            '\r' => return self.column = 0,
            '\n' => return self.next_line(),
            _ => {}
        }
        if self.column == WIDTH {
            self.next_line();
        }
        let column = self.column;
        let line = self.line();
        line.resize(line.len().max(column + 1), ' ');
        line[column] = c;
        self.column += 1;
    }
}

impl Screen {
    fn text(&self) -> String {
        let grid = self.0.lock().unwrap();
        let lines = grid.lines.iter().map(|line| line.iter().collect::<String>().trim_end().to_owned());
        lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    }

    fn at(&self, change: impl FnOnce(&mut Grid)) -> io::Result<()> {
        change(&mut self.0.lock().unwrap());
        Ok(())
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        WIDTH as u16
    }
    fn height(&self) -> u16 {
        50
    }
    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.at(|grid| grid.row = grid.row.saturating_sub(n))
    }
    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.at(|grid| grid.row += n)
    }
    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.at(|grid| grid.column += n)
    }
    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.at(|grid| grid.column = grid.column.saturating_sub(n))
    }
    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)?;
        self.at(Grid::next_line)
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        self.at(|grid| text.chars().for_each(|c| grid.put(c)))
    }
    fn clear_line(&self) -> io::Result<()> {
        self.at(|grid| {
            grid.line().clear();
            grid.column = 0;
        })
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.at(|grid| {
            String::from_utf8_lossy(bytes).chars().for_each(|c| if c == '\n' { grid.end_line() } else { grid.put(c) })
        })?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn live(screen: &Screen, rows: usize) -> Live {
    let screen = screen.clone();
    let out = screen.clone();
    let target = move || ProgressDrawTarget::term_like(Box::new(screen.clone()));
    Live::on(Box::new(target), Box::new(out), sample::secrets(), Verbosity::Normal, false, rows)
}

#[test]
fn hosts_have_a_line_while_they_work_and_the_end_leaves_none() {
    let screen = Screen::default();
    let display = live(&screen, 10);
    for event in sample::failed_deploy() {
        display.event(&event);
        if let Event::StepStarted { host, title, .. } = &event {
            let text = screen.text();
            let line = text.lines().find(|line| line.contains(host.as_str()) && line.contains(title.as_str()));
            assert!(line.is_some(), "no line for {host} in:\n{text}");
        }
    }
    let text = screen.text();
    assert!(!text.contains("working"), "{text}");
    assert!(!text.contains("done: "), "good ends are not printed:\n{text}");
    assert!(text.contains("FAILED"), "{text}");
    assert!(text.contains("\nFAILED, everything put back"), "{text}");
    let grid = screen.0.lock().unwrap();
    assert_eq!(
        (grid.column, grid.lines.get(grid.row).is_none_or(Vec::is_empty)),
        (0, true),
        "a shell goes on in a new line"
    );
    drop(grid);
    assert!(!text.contains("hunter2") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn more_hosts_than_lines() {
    let screen = Screen::default();
    let display = live(&screen, 2);
    for n in 1..=5 {
        let host = HostId::new(&format!("h{n}"));
        display.event(&Event::StepStarted { host, step: StepId(1), title: "build".to_owned() });
    }
    let state = lock(&display.state);
    assert_eq!(state.slots.len(), 2);
    assert_eq!(state.total.message(), "5 hosts working, 3 of them not shown");
    drop(state);
    let ended = Event::StepEnded {
        host: HostId::new("h1"),
        step: StepId(1),
        title: "build".to_owned(),
        status: deploy_plan::ExitStatus::Code(0),
        elapsed: Duration::ZERO,
    };
    display.event(&ended);
    display.event(&Event::StepStarted { host: HostId::new("h3"), step: StepId(2), title: "next".to_owned() });
    let state = lock(&display.state);
    assert!(state.slot(&HostId::new("h3")).is_some(), "an idle host's line is taken over");
}

#[test]
fn an_unfinished_line_is_seen_beside_the_step() {
    let screen = Screen::default();
    let display = live(&screen, 2);
    let host = HostId::new("h1");
    display.event(&Event::StepStarted { host: host.clone(), step: StepId(1), title: "fetch".to_owned() });
    let bytes = b"one\nReceiving 10%\rReceiving 20%".to_vec();
    display.event(&Event::Output { host: host.clone(), step: None, stream: Stream::Err, bytes });
    assert_eq!(lock(&display.state).slot(&host).unwrap().message(), "fetch: Receiving 20%");
}

#[test]
fn a_pause_clears_the_screen_and_loses_nothing() {
    let screen = Screen::default();
    let display = live(&screen, 2);
    let host = HostId::new("h1");
    let say =
        |text: &str| display.event(&Event::Message { level: deploy_plan::Level::Info, host: None, text: text.into() });
    say("before");
    display.event(&Event::StepStarted { host: host.clone(), step: StepId(1), title: "fetch".to_owned() });
    let (outer, inner) = (display.pause(), display.pause());
    assert_eq!(screen.text(), "note: before");
    say("meanwhile");
    drop(inner);
    assert_eq!(screen.text(), "note: before");
    drop(outer);
    let text = screen.text();
    assert!(text.contains("note: meanwhile") && text.contains("fetch"), "{text}");
}

#[test]
fn the_spinner_thread_ends_with_the_display() {
    let screen = Screen::default();
    let mut display = live(&screen, 2);
    display.ticker = ticker(Arc::clone(&display.state));
    display.event(&Event::Connecting { host: HostId::new("h1") });
    let state = Arc::downgrade(&display.state);
    drop(display);
    assert!(state.upgrade().is_none(), "the thread still holds the display");
}
