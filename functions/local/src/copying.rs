//! How far a copy is, in words.

use content::Forecast;

/// How far a copy is, in words; nothing where nothing is copied.
pub(crate) fn copying(forecast: &Forecast) -> Option<String> {
    let Forecast { items_done, items_left, bytes_done, bytes_left, .. } = *forecast;
    if items_done + items_left + bytes_done + bytes_left == 0 {
        return None;
    }
    let items = items_done.saturating_add(items_left);
    let bytes = size(bytes_done.saturating_add(bytes_left));
    let mut text = format!(
        "{items_done} of {items} items, {} of {bytes}, {} items/min, {}/s",
        size(bytes_done),
        forecast.items_per_minute,
        size(forecast.bytes_per_second),
    );
    if let (Some(seconds), Some(ends)) = (forecast.seconds_left, forecast.ends) {
        let left = match seconds {
            0..=99 => format!("{seconds} s"),
            100..=5_999 => format!("{} min", seconds.div_ceil(60)),
            _ => format!("{} h", seconds.div_ceil(3_600)),
        };
        let ends = ends.strftime("%Y-%m-%d %H:%M UTC");
        text = format!("{text}, {left} left, ends {ends}");
    }
    Some(text)
}

/// Bytes as people read them.
fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match UNITS.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) if bytes < unit * 10 => {
            format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit)
        }
        Some((unit, name)) => format!("{} {name}", bytes / unit),
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A copy with an end in sight.
    pub(crate) fn in_hand() -> Forecast {
        Forecast {
            items_done: 120,
            items_left: 880,
            bytes_done: 1_250_000,
            bytes_left: 45_000_000_000,
            items_per_minute: 60,
            bytes_per_second: 20_000,
            seconds_left: Some(880),
            ends: Some("2026-11-22T14:32:00Z".parse().unwrap()),
            ..Forecast::default()
        }
    }

    #[test]
    fn a_copy_is_told_with_rate_and_end() {
        assert_eq!(copying(&Forecast::default()), None);
        assert_eq!(
            copying(&in_hand()).unwrap(),
            "120 of 1000 items, 1.2 MB of 45 GB, 60 items/min, 20 kB/s, 15 min left, \
             ends 2026-11-22 14:32 UTC"
        );
    }
}
