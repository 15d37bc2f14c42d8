//! A WASI program that needs no bundle: it uses what a host gives to every program.
//!
//! Under wrun it must behave as under `wasmtime run`.

use std::error::Error;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::{env, fs};

const USAGE: &str = "\
usage: hello [ACTION ...]
  (nothing)         print `hello, world`
  args ...          print every argument, the program's name first
  env               print the environment, sorted
  upper             copy standard input to standard output in upper case
  err TEXT          write a line to standard error
  cat PATH          print a file
  write PATH TEXT   write a file
  list PATH         print the names in a folder, sorted
  exit CODE         end with this code; WASI 0.2 makes 1 of all but 0
  panic TEXT        panic, which is a trap";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match act(&words) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("hello: {error}");
            ExitCode::FAILURE
        }
    }
}

fn act(words: &[&str]) -> Result<ExitCode, Box<dyn Error>> {
    match words {
        [] => println!("hello, world"),
        ["args", ..] => env::args().for_each(|argument| println!("{argument}")),
        ["env"] => print_sorted(env::vars().map(|(key, value)| format!("{key}={value}"))),
        ["upper"] => copy_in_upper_case()?,
        ["err", text] => eprintln!("{text}"),
        ["cat", path] => io::stdout().write_all(&fs::read(path)?)?,
        ["write", path, text] => fs::write(path, text)?,
        ["list", path] => {
            let names = fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
            print_sorted(names.iter().map(|entry| entry.file_name().display().to_string()));
        }
        ["exit", code] => return Ok(code.parse::<u8>()?.into()),
        ["panic", text] => panic!("{text}"),
        _ => return Err(USAGE.into()),
    }
    Ok(ExitCode::SUCCESS)
}

fn print_sorted(lines: impl Iterator<Item = String>) {
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines.iter().for_each(|line| println!("{line}"));
}

fn copy_in_upper_case() -> io::Result<()> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    io::stdout().write_all(text.to_uppercase().as_bytes())
}
