//! Times as people read them, in their own zone. Nothing here asks the time: the caller says what "now" is.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

/// A moment in a zone, from the server's form.
#[must_use]
pub fn local(time: Option<(i64, i32)>, zone: &TimeZone) -> Option<Zoned> {
    let (seconds, nanos) = time?;
    let moment = Timestamp::new(seconds, nanos).ok()?;
    Some(moment.to_zoned(zone.clone()))
}

/// The hour and the minute.
#[must_use]
pub fn hour(time: &Zoned) -> String {
    time.strftime("%H:%M").to_string()
}

/// Everything, for hovering.
#[must_use]
pub fn exact(time: &Zoned) -> String {
    time.strftime("%A, %-d %B %Y at %H:%M:%S").to_string()
}

/// In the chat list: the hour today, the weekday this week, else the date.
#[must_use]
pub fn brief(time: &Zoned, now: &Zoned) -> String {
    let (day, today) = (time.date(), now.date());
    if day == today {
        hour(time)
    } else if is_yesterday(day, today) {
        "Yesterday".to_owned()
    } else if days_between(day, today) < DAYS_OF_WEEK {
        time.strftime("%a").to_string()
    } else if day.year() == today.year() {
        time.strftime("%-d %b").to_string()
    } else {
        time.strftime("%Y-%m-%d").to_string()
    }
}

/// Beside a message's author: the hour, with the day where it is not today.
#[must_use]
pub fn beside(time: &Zoned, now: &Zoned) -> String {
    let (day, today) = (time.date(), now.date());
    if day == today {
        hour(time)
    } else if is_yesterday(day, today) {
        format!("Yesterday {}", hour(time))
    } else {
        time.strftime("%-d %b %Y %H:%M").to_string()
    }
}

/// A day divider.
#[must_use]
pub fn day(day: Date, today: Date) -> String {
    if day == today {
        "Today".to_owned()
    } else if is_yesterday(day, today) {
        "Yesterday".to_owned()
    } else if day.year() == today.year() {
        day.strftime("%A, %-d %B").to_string()
    } else {
        day.strftime("%A, %-d %B %Y").to_string()
    }
}

/// A month of a year.
#[must_use]
pub fn month(time: &Zoned) -> String {
    time.strftime("%B %Y").to_string()
}

/// When somebody was last there.
#[must_use]
pub fn seen(time: &Zoned, now: &Zoned) -> String {
    format!("last seen {}", brief(time, now))
}

const DAYS_OF_WEEK: i32 = 7;

fn is_yesterday(day: Date, today: Date) -> bool {
    today.checked_sub(1.day()).is_ok_and(|yesterday| yesterday == day)
}

fn days_between(day: Date, today: Date) -> i32 {
    today.since(day).map_or(i32::MAX, |span| span.get_days().abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Zoned {
        text.parse().unwrap()
    }

    #[test]
    fn a_time_says_as_much_as_is_needed() {
        let now = at("2026-03-04T12:00:00[Europe/Berlin]");
        let brief = |text: &str| super::brief(&at(text), &now);
        assert_eq!(brief("2026-03-04T09:05:00[Europe/Berlin]"), "09:05");
        assert_eq!(brief("2026-03-03T23:59:00[Europe/Berlin]"), "Yesterday");
        assert_eq!(brief("2026-03-01T10:00:00[Europe/Berlin]"), "Sun");
        assert_eq!(brief("2026-02-01T10:00:00[Europe/Berlin]"), "1 Feb");
        assert_eq!(brief("2025-02-01T10:00:00[Europe/Berlin]"), "2025-02-01");
    }

    #[test]
    fn the_day_is_the_readers_day() {
        let zone = TimeZone::get("Asia/Tokyo").unwrap();
        let late = local(Some((1_772_578_800, 0)), &zone).unwrap();
        assert_eq!(late.date().to_string(), "2026-03-04");
        assert_eq!(hour(&late), "08:00");
        assert_eq!(exact(&late), "Wednesday, 4 March 2026 at 08:00:00");
        assert!(local(None, &zone).is_none());
    }

    #[test]
    fn days_are_named() {
        let today = at("2026-01-01T12:00:00[UTC]").date();
        assert_eq!(day(today, today), "Today");
        assert_eq!(day(today.yesterday().unwrap(), today), "Yesterday");
        assert_eq!(day("2025-12-24".parse().unwrap(), today), "Wednesday, 24 December 2025");
    }
}
