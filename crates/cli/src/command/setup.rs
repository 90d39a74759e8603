//! `setup nats`: finds or fetches the nats-server, once.

use crate::exit::Code;
use crate::output;
use crate::settings::Settings;

pub(crate) fn run(settings: &Settings) -> anyhow::Result<Code> {
    let mut options = longhaul_broker::Options::from_env();
    options.offline |= settings.offline;
    let binary = longhaul_broker::locate(&options, &mut longhaul_broker::talk_on_stderr())?;
    output::line(format!("{} ({})", binary.path.display(), binary.version))?;
    Ok(Code::Done)
}
