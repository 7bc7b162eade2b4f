//! `onequery completions` and `onequery man`: what is generated from the grammar of the command line.

use std::fs;
use std::io::Write as _;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::CLEAN;
use crate::cli::{Cli, Completions, ManPages};

/// Prints the completions of a shell. Gives the exit code.
pub(crate) fn completions(args: &Completions) -> anyhow::Result<u8> {
    // The generator panics when it cannot write, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "onequery", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(CLEAN)
}

/// Prints the main page, or writes all pages into a folder. Gives the exit code.
pub(crate) fn man(args: &ManPages) -> anyhow::Result<u8> {
    match &args.out {
        Some(folder) => {
            let told = || format!("cannot write the pages to {}", folder.display());
            fs::create_dir_all(folder).with_context(told)?;
            clap_mangen::generate_to(Cli::command(), folder).with_context(told)?;
        }
        None => Man::new(Cli::command()).render(&mut std::io::stdout().lock())?,
    }
    Ok(CLEAN)
}
