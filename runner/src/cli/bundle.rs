//! `wrun bundle …`

use super::args::{BundleCommand, CheckArgs, FaultArgs, PackArgs};
use super::error::CliError;
use super::request::{Request, usage};
use super::{inspect, run};
use crate::bundle::Bundle;
use crate::bundle::pack::{PackOptions, pack};
use crate::{Error, Fault, NoFault};
use protocol::text::ForeignText;
use std::fmt::Write as _;

/// Does what `command` says.
///
/// # Errors
/// [`CliError::Bundle`] with what is wrong with the bundle.
pub(super) fn dispatch(command: BundleCommand) -> Result<(), CliError> {
    match command {
        BundleCommand::Pack(PackArgs { library, source, vendor, out }) => {
            let options = PackOptions { source, library, vendor, out: out.clone() };
            let bundle = pack(&options).map_err(|error| CliError::Input(error.to_string()))?;
            println!("packed bundle `{}` into {}", bundle.name(), out.display());
            Ok(())
        }
        BundleCommand::Check(CheckArgs { bundle }) => {
            let bundle = Bundle::open(&bundle).map_err(Error::from)?;
            print!("{}", summary(&bundle)?);
            Ok(())
        }
        BundleCommand::Fault(typed) => fault(*typed),
        BundleCommand::Inspect(typed) => {
            print!("{}", inspect::inspect(typed)?);
            Ok(())
        }
    }
}

/// Runs a component with faults on purpose.
fn fault(typed: FaultArgs) -> Result<(), CliError> {
    let faults = typed.at.iter().map(|text| {
        let wrong = |why: &dyn std::fmt::Display| usage(format!("--at {text}: {why}"));
        let (bundle, fault) = text.split_once(':').ok_or_else(|| wrong(&NoFault))?;
        let fault = fault.parse::<Fault>().map_err(|error| wrong(&error))?;
        Ok((bundle.to_owned(), fault))
    });
    let faults = faults.collect::<Result<Vec<_>, CliError>>()?;
    let request = Request::new(typed.run.run, typed.run.operator)?;
    run::run(&Request { faults, ..request })
}

/// What a bundle offers and takes.
fn summary(bundle: &Bundle) -> Result<String, CliError> {
    let missing = bundle.missing_symbols();
    if !missing.is_empty() {
        let lines: Vec<_> = missing.iter().map(|symbol| format!("\n  {symbol}")).collect();
        return Err(CliError::Input(format!(
            "bundle `{}`: its library lacks symbols for what its WIT exports:{}",
            bundle.name(),
            lines.concat()
        )));
    }
    let manifest = bundle.manifest();
    let mut text = heading(bundle);
    for (key, about) in manifest.config.iter().flatten() {
        let help = ForeignText::new(about.help.as_deref().unwrap_or_default());
        let required = if about.required { ", required" } else { "" };
        let secret = if about.secret { ", secret" } else { "" };
        let _ = writeln!(text, "takes {key}{required}{secret}: {help}");
    }
    Ok(text)
}

/// Name, version, library, and what it serves.
pub(super) fn heading(bundle: &Bundle) -> String {
    let version = bundle.manifest().version.as_ref().map(|version| format!(" {version}"));
    let mut text = format!(
        "bundle {}{}\nlibrary {}\n",
        bundle.name(),
        version.unwrap_or_default(),
        bundle.library_path().as_str()
    );
    let world = &bundle.exports().world;
    for interface in world.interfaces.iter().filter(|interface| !interface.is_types_only()) {
        let _ =
            writeln!(text, "serves {} ({} functions)", interface.name, interface.functions.len());
    }
    for function in &world.functions {
        let _ = writeln!(text, "serves the function {}", function.name);
    }
    text
}
