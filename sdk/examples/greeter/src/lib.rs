//! A host bundle that greets with the word that the operator chose.

wrun_bundle::generate!({
    path: "wit",
    world: "bundle",
});

use std::cell::RefCell;
use std::sync::OnceLock;

use exports::demo::greeter::greeting;
use exports::wrun::bundle::lifecycle;

static WORD: OnceLock<String> = OnceLock::new();

struct Greeter;

export!(Greeter);

impl lifecycle::Guest for Greeter {
    fn init(config: Vec<(String, String)>) -> Result<(), String> {
        let mut config = wrun_bundle::Config::new(config)?;
        let word = config.optional("word").unwrap_or_else(|| "Hello".to_string());
        config.finish()?;
        WORD.set(word).map_err(|_| "init was called twice".to_string())
    }
}

impl greeting::Guest for Greeter {
    type GuestBook = Book;

    fn greet(name: String) -> Result<String, String> {
        if name.is_empty() {
            return Err("who is there?".to_string());
        }
        let word = WORD.get().ok_or("init was not called")?;
        Ok(format!("{word}, {name}!"))
    }
}

struct Book(RefCell<Vec<String>>);

impl greeting::GuestGuestBook for Book {
    fn new() -> Self {
        Book(RefCell::default())
    }

    fn sign(&self, name: String) {
        self.0.borrow_mut().push(name);
    }

    fn names(&self) -> Vec<String> {
        self.0.borrow().clone()
    }
}
