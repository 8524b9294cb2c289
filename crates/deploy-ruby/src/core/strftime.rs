//! `strftime`, with Ruby's flags and widths.

use jiff::Zoned;

#[derive(Clone, Copy, Default)]
struct Flags {
    /// `-`: no padding
    bare: bool,
    upper: bool,
    swap: bool,
    pad: Option<char>,
    width: Option<usize>,
    colons: usize,
}

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Formats a time.
pub(crate) fn strftime(time: &Zoned, template: &str) -> String {
    let mut out = String::new();
    let mut rest = template.char_indices();
    while let Some((at, c)) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut flags = Flags::default();
        let mut directive = None;
        for (_, c) in rest.by_ref() {
            match c {
                '-' => flags.bare = true,
                '^' => flags.upper = true,
                '#' => flags.swap = true,
                '_' => flags.pad = Some(' '),
                '0' if flags.width.is_none() => flags.pad = Some('0'),
                ':' => flags.colons += 1,
                '0'..='9' => {
                    let digit = c.to_digit(10).unwrap_or(0) as usize;
                    flags.width = Some((flags.width.unwrap_or(0) * 10 + digit).min(1024));
                }
                'E' | 'O' => {}
                c => {
                    directive = Some(c);
                    break;
                }
            }
        }
        match directive.and_then(|d| one(time, d, flags)) {
            Some(text) => out.push_str(&text),
            None => {
                let end = rest.clone().next().map_or(template.len(), |(i, _)| i);
                out.push_str(template.get(at..end).unwrap_or_default());
            }
        }
    }
    out
}

fn number(value: i64, width: usize, pad: char, flags: Flags) -> String {
    if flags.bare {
        return value.to_string();
    }
    let pad = flags.pad.unwrap_or(pad);
    let width = flags.width.unwrap_or(width);
    let digits = value.unsigned_abs().to_string();
    let sign = if value < 0 { "-" } else { "" };
    let fill: String = std::iter::repeat_n(pad, width.saturating_sub(digits.len() + sign.len())).collect();
    if pad == '0' { format!("{sign}{fill}{digits}") } else { format!("{fill}{sign}{digits}") }
}

fn word(text: &str, flags: Flags) -> String {
    let text = match (flags.upper, flags.swap) {
        (true, _) => text.to_uppercase(),
        (_, true) => text.to_uppercase(),
        _ => text.to_owned(),
    };
    let fill: String =
        std::iter::repeat_n(flags.pad.unwrap_or(' '), flags.width.unwrap_or(0).saturating_sub(text.chars().count()))
            .collect();
    format!("{fill}{text}")
}

fn name(list: &[&str], index: i64) -> String {
    usize::try_from(index).ok().and_then(|i| list.get(i)).map(|s| (*s).to_owned()).unwrap_or_default()
}

fn short(text: String) -> String {
    text.chars().take(3).collect()
}

pub(super) fn weekday(time: &Zoned) -> i64 {
    i64::from(time.weekday().to_sunday_zero_offset())
}

pub(super) fn zone_name(time: &Zoned) -> String {
    time.time_zone().to_offset_info(time.timestamp()).abbreviation().to_owned()
}

pub(super) fn offset_text(time: &Zoned, colons: usize) -> String {
    let seconds = time.offset().seconds();
    let size = seconds.unsigned_abs();
    let sign = if seconds < 0 { '-' } else { '+' };
    let (h, m, s) = (size / 3600, size / 60 % 60, size % 60);
    match colons {
        0 => format!("{sign}{h:02}{m:02}"),
        1 => format!("{sign}{h:02}:{m:02}"),
        _ => format!("{sign}{h:02}:{m:02}:{s:02}"),
    }
}

fn one(time: &Zoned, directive: char, flags: Flags) -> Option<String> {
    let (year, month, day) = (i64::from(time.year()), i64::from(time.month()), i64::from(time.day()));
    let hour = i64::from(time.hour());
    let hour12 = if hour % 12 == 0 { 12 } else { hour % 12 };
    let week = |start: i64| {
        let day = i64::from(time.day_of_year()) - 1;
        (day + 7 - (weekday(time) + 7 - start) % 7) / 7
    };
    let whole = |template: &str| word(&strftime(time, template), flags);
    Some(match directive {
        'Y' => number(year, 4, '0', flags),
        'C' => number(year.div_euclid(100), 2, '0', flags),
        'y' => number(year.rem_euclid(100), 2, '0', flags),
        'm' => number(month, 2, '0', flags),
        'B' => word(&name(&MONTHS, month - 1), flags),
        'b' | 'h' => word(&short(name(&MONTHS, month - 1)), flags),
        'd' => number(day, 2, '0', flags),
        'e' => number(day, 2, ' ', flags),
        'j' => number(i64::from(time.day_of_year()), 3, '0', flags),
        'H' => number(hour, 2, '0', flags),
        'k' => number(hour, 2, ' ', flags),
        'I' => number(hour12, 2, '0', flags),
        'l' => number(hour12, 2, ' ', flags),
        'M' => number(i64::from(time.minute()), 2, '0', flags),
        'S' => number(i64::from(time.second()), 2, '0', flags),
        'L' | 'N' => {
            let digits = flags.width.unwrap_or(if directive == 'L' { 3 } else { 9 });
            let nanos = format!("{:09}", time.subsec_nanosecond());
            format!("{nanos:0<digits$}").chars().take(digits).collect()
        }
        'z' => offset_text(time, flags.colons),
        'Z' => word(&zone_name(time), flags),
        's' => number(time.timestamp().as_second(), 1, '0', flags),
        'P' => word(if hour < 12 { "am" } else { "pm" }, flags),
        'p' => match flags.swap {
            true => (if hour < 12 { "am" } else { "pm" }).to_owned(),
            false => word(if hour < 12 { "AM" } else { "PM" }, flags),
        },
        'A' => word(&name(&DAYS, weekday(time)), flags),
        'a' => word(&short(name(&DAYS, weekday(time))), flags),
        'u' => number(if weekday(time) == 0 { 7 } else { weekday(time) }, 1, '0', flags),
        'w' => number(weekday(time), 1, '0', flags),
        'G' => number(i64::from(time.date().iso_week_date().year()), 4, '0', flags),
        'g' => number(i64::from(time.date().iso_week_date().year()).rem_euclid(100), 2, '0', flags),
        'V' => number(i64::from(time.date().iso_week_date().week()), 2, '0', flags),
        'U' => number(week(0), 2, '0', flags),
        'W' => number(week(1), 2, '0', flags),
        'F' => whole("%Y-%m-%d"),
        'T' | 'X' => whole("%H:%M:%S"),
        'D' | 'x' => whole("%m/%d/%y"),
        'R' => whole("%H:%M"),
        'r' => whole("%I:%M:%S %p"),
        'c' => whole("%a %b %e %H:%M:%S %Y"),
        'v' => whole("%e-%^b-%Y"),
        '+' => whole("%a %b %e %H:%M:%S %Z %Y"),
        'n' => "\n".to_owned(),
        't' => "\t".to_owned(),
        '%' => "%".to_owned(),
        _ => return None,
    })
}
