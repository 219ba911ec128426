// Times as people read them, in their own zone. Nothing here asks the time: the caller says what "now" is.

import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";

const DAY = 86_400_000;
const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
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

/** A moment from the server's form. */
export function local(time: Timestamp | undefined): Date | undefined {
  return time && timestampDate(time);
}

/** The hour and the minute. */
export function hour(time: Date): string {
  return `${two(time.getHours())}:${two(time.getMinutes())}`;
}

/** Everything, for hovering. */
export function exact(time: Date): string {
  return `${weekday(time)}, ${time.getDate()} ${month(time)} ${time.getFullYear()} at ${hour(time)}:${two(time.getSeconds())}`;
}

/** In the chat list: the hour today, the weekday this week, else the date. */
export function brief(time: Date, now: Date): string {
  const days = daysBetween(time, now);
  if (days === 0) return hour(time);
  if (days === 1) return "Yesterday";
  if (days > 0 && days < 7) return weekday(time).slice(0, 3);
  if (time.getFullYear() === now.getFullYear()) return `${time.getDate()} ${month(time).slice(0, 3)}`;
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}

/** Beside a message's author: the hour, with the day where it is not today. */
export function beside(time: Date, now: Date): string {
  const days = daysBetween(time, now);
  if (days === 0) return hour(time);
  if (days === 1) return `Yesterday ${hour(time)}`;
  return `${time.getDate()} ${month(time).slice(0, 3)} ${time.getFullYear()} ${hour(time)}`;
}

/** A day divider. */
export function day(time: Date, now: Date): string {
  const days = daysBetween(time, now);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  const date = `${weekday(time)}, ${time.getDate()} ${month(time)}`;
  return time.getFullYear() === now.getFullYear() ? date : `${date} ${time.getFullYear()}`;
}

/** When somebody was last there. */
export function seen(time: Date, now: Date): string {
  return `last seen ${brief(time, now)}`;
}

/** The calendar day in the reader's zone, to compare. */
export function dayKey(time: Date): string {
  return `${time.getFullYear()}-${time.getMonth()}-${time.getDate()}`;
}

function daysBetween(time: Date, now: Date): number {
  const midnight = (date: Date) => Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((midnight(now) - midnight(time)) / DAY);
}

const two = (number: number) => String(number).padStart(2, "0");
const weekday = (time: Date) => WEEKDAYS[time.getDay()] ?? "";
const month = (time: Date) => MONTHS[time.getMonth()] ?? "";
