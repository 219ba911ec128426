//! Addresses in a text: which may be opened, how they may be shown, and whether a label poses as another one.

use url::Url;

/// What may be opened.
const SCHEMES: [&str; 3] = ["https://", "http://", "mailto:"];
/// The longest address, in characters; a longer one is text.
const LONGEST: usize = 2048;
/// The longest host.
const LONGEST_HOST: usize = 253;

/// Something that may be opened.
pub(super) struct Address {
    /// In full, ASCII alone.
    pub target: String,
    /// The host that it leads to, or the person.
    pub leads_to: String,
    /// Whether it may be shown as it was typed: nothing in it looks like something else.
    pub honest: bool,
}

/// Whether a word begins at a place of a line. Scripts that are written without blanks have no words to tell apart.
pub(super) fn begins_word(line: &[char], at: usize) -> bool {
    let of_word = |c: char| {
        let unspaced = matches!(c, '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}'
            | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7ff}'
            | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}');
        c.is_alphanumeric() && !unspaced
    };
    at.checked_sub(1).is_none_or(|before| !of_word(line[before]) && !matches!(line[before], '/' | '@'))
}

/// Where what may be an address ends that begins here; here, if it is none.
pub(super) fn end(line: &[char], at: usize) -> usize {
    let starts = |scheme: &str| {
        let rest = &line[at.min(line.len())..];
        rest.len() >= scheme.len() && scheme.chars().zip(rest).all(|(known, c)| known == c.to_ascii_lowercase())
    };
    let Some(scheme) = SCHEMES.into_iter().find(|scheme| starts(scheme)) else { return at };
    let ends = |c: &char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '<' | '>' | '"' | '`' | '[' | ']' | '|' | '。' | '，' | '、' | '！' | '？' | '；' | '：')
            || matches!(c, '「' | '」' | '『' | '』' | '【' | '】' | '《' | '》' | '（' | '）')
    };
    let begin = at + scheme.len();
    begin + line[begin..].iter().take_while(|c| !ends(c)).count()
}

/// The same without what belongs to the sentence around it: its last signs, and a bracket that was opened before.
pub(super) fn trimmed(line: &[char], begin: usize, end: usize) -> usize {
    let mut open: i32 = 0;
    for c in &line[begin..end] {
        open += i32::from(*c == '(') - i32::from(*c == ')');
    }
    let mut end = end;
    while end > begin {
        match line[end - 1] {
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '~' => {}
            ')' if open < 0 => open += 1,
            _ => break,
        }
        end -= 1;
    }
    end
}

/// An address in parentheses, and where what follows it begins.
pub(super) fn in_parentheses(line: &[char], at: usize) -> Option<(Address, usize)> {
    if line.get(at) != Some(&'(') {
        return None;
    }
    let begin = at + 1;
    let most = end(line, begin);
    let mut depth = 0;
    for (index, c) in line.iter().enumerate().take(most + 1).skip(begin) {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => {
                let typed: String = line[begin..index].iter().collect();
                return Some((address(&typed)?, index + 1));
            }
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// What was typed as something to open; none if it may not be.
pub(super) fn address(typed: &str) -> Option<Address> {
    if typed.chars().count() > LONGEST {
        return None;
    }
    let (scheme, rest) = typed.split_once(':')?;
    let web = match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => true,
        "mailto" => false,
        _ => return None,
    };
    let host = typed_host(rest);
    if web && (host.contains('@') || host.chars().count() > LONGEST_HOST) {
        // A name before the host is there to be taken for it.
        return None;
    }
    let url = Url::parse(typed).ok()?;
    let leads_to = if web {
        url.host_str().filter(|host| !host.is_empty())?.to_owned()
    } else {
        let (person, host) = url.path().split_once('@')?;
        if person.is_empty() || host.is_empty() {
            return None;
        }
        url.path().to_owned()
    };
    let honest = if web {
        is_honest_host(host, &leads_to) && typed.chars().all(|c| c.is_ascii() || c.is_alphanumeric())
    } else {
        typed.is_ascii()
    };
    Some(Address { target: url.into(), leads_to, honest })
}

/// The host as it was typed, with what stands before an `@`.
fn typed_host(rest: &str) -> &str {
    let rest = rest.trim_start_matches(['/', '\\']);
    let host = &rest[..rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len())];
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether a host may be shown as it was typed: as what it is, or in a script of its own. What is not known to be harmless is
/// shown as what it is in ASCII.
fn is_honest_host(host: &str, real: &str) -> bool {
    if host.is_ascii() {
        return host.eq_ignore_ascii_case(real);
    }
    !host.contains('%') && host.split('.').all(|part| part.is_ascii() || is_honest_part(&part.to_lowercase()))
}

/// Letters of one script, and where its letters can pose as Latin ones, not of those alone.
fn is_honest_part(part: &str) -> bool {
    let mut script = None;
    let mut distinct = false;
    for c in part.chars().filter(|c| !c.is_ascii_digit() && *c != '-') {
        let (of, alike) = match c {
            'a'..='z' => ('L', false),
            // Without a dotless i and other letters that are mostly taken for another one.
            'ß'..='ö' | 'ø'..='ÿ' | 'ā'..='ž' if !matches!(c, 'ı' | 'ĸ' | 'ŉ') => ('L', false),
            'α'..='ω' | 'ά'..='ώ' => ('G', "αγεηικνορτυχω".contains(c)),
            'а'..='џ' | 'ґ' => ('C', "асеіјорѕухъьһпгтмкв".contains(c)),
            // Not the one that looks like a slash.
            'ぁ'..='ゖ' | 'ァ'..='ヺ' | 'ー' | '々' | '㐀'..='䶿' | '一'..='鿿' if !matches!(c, 'ノ' | '丿') => {
                ('J', false)
            }
            '가'..='힣' => ('K', false),
            _ => return false,
        };
        if *script.get_or_insert(of) != of {
            return false;
        }
        distinct |= !alike;
    }
    distinct
}

/// What is to be shown behind a label: where it really leads, if it looks like an address and leads elsewhere.
pub(super) fn reveal(label: &str, address: &Address) -> Option<String> {
    let real = address.leads_to.to_ascii_lowercase();
    let bare = |host: &str| host.strip_prefix("www.").unwrap_or(host).to_owned();
    let poses = label.split_whitespace().filter_map(posed).any(|posed| bare(&posed) != bare(&real));
    poses.then(|| address.leads_to.clone())
}

/// The host or the person that a word of a label looks like.
fn posed(word: &str) -> Option<String> {
    let word: String = word.chars().map(|c| if matches!(c, '。' | '．' | '｡' | '․') { '.' } else { c }).collect();
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    let rest = word.split_once("://").map_or(word, |(_, rest)| rest);
    let host = typed_host(rest);
    let name = host.rsplit_once('@').map_or(host, |(_, name)| name);
    let (before, last) = name.trim_end_matches('.').rsplit_once('.')?;
    // 1.25 is a number; 10.0.0.25 is a host.
    let numbers = name.chars().all(|c| c.is_ascii_digit() || c == '.');
    let ends_as_host = last.chars().count() >= 2 && last.chars().all(|c| c.is_alphanumeric() || c == '-');
    if before.is_empty() || !(if numbers { before.split('.').count() == 3 } else { ends_as_host }) {
        return None;
    }
    if host.contains('@') {
        return Some(host.to_lowercase());
    }
    let host = Url::parse(&format!("http://{name}/")).ok().and_then(|url| url.host_str().map(str::to_owned));
    Some(host.unwrap_or_else(|| name.to_lowercase()))
}
