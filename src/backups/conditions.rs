//! Whether the machine is in a state for work that nobody waits for: on mains, and with room to spare.

use std::fs;
use std::path::Path;

/// Where the kernel tells of batteries and plugs.
pub const POWER: &str = "/sys/class/power_supply";

/// Whether the machine runs on a battery of its own, by what the kernel tells of its supplies: as systemd's
/// `ConditionACPower=` has it, a plug that gives power counts more than a battery that is being used. What can't be read
/// says nothing.
pub fn is_on_battery(supplies: &Path) -> bool {
    let entries = fs::read_dir(supplies).into_iter().flatten().flatten();
    let supplies: Vec<_> = entries.map(|entry| entry.path()).collect();
    let says = |supply: &Path, what: &str| {
        let text = fs::read_to_string(supply.join(what)).unwrap_or_default();
        text.trim().to_owned()
    };
    // Those of mice and keyboards.
    let is_own = |supply: &Path| says(supply, "scope") != "Device";
    let gives_power = |supply: &Path| {
        let kind = says(supply, "type");
        (kind == "Mains" || kind.starts_with("USB")) && says(supply, "online") != "0"
    };
    let is_used = |supply: &Path| {
        let kind = says(supply, "type");
        (kind == "Battery" || kind == "UPS") && says(supply, "status") == "Discharging"
    };
    let own = || {
        supplies
            .iter()
            .map(|path| path.as_path())
            .filter(|s| is_own(s))
    };
    !own().any(gives_power) && own().any(is_used)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_battery_counts_where_no_plug_gives_power() {
        let check = |supplies: &[(&str, &[(&str, &str)])], expected: bool| {
            let folder = tempfile::tempdir().unwrap();
            for (name, files) in supplies {
                let supply = folder.path().join(name);
                fs::create_dir(&supply).unwrap();
                for (file, text) in *files {
                    fs::write(supply.join(file), format!("{text}\n")).unwrap();
                }
            }
            assert_eq!(is_on_battery(folder.path()), expected, "{supplies:?}");
        };
        let plug = |online| ("AC", [("type", "Mains"), ("online", online)]);
        let battery = |status| ("BAT0", [("type", "Battery"), ("status", status)]);
        let (on, off) = (plug("1"), plug("0"));
        let (used, full) = (battery("Discharging"), battery("Full"));
        let mouse = [
            ("type", "Battery"),
            ("status", "Discharging"),
            ("scope", "Device"),
        ];
        check(&[], false);
        check(&[(off.0, &off.1), (used.0, &used.1)], true);
        check(&[(on.0, &on.1), (used.0, &used.1)], false);
        check(&[(off.0, &off.1), (full.0, &full.1)], false);
        check(&[(used.0, &used.1)], true);
        check(&[("mouse", &mouse)], false);
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_on_battery(&folder.path().join("nowhere")));
    }
}
