//! Searches: the three calls of one as one.

use cryptoki_sys::{CK_OBJECT_HANDLE, CK_SESSION_HANDLE, CK_ULONG, CKR_HOST_MEMORY};

use super::error::{Error, Result, check};
use super::limits::{OBJECTS_CHUNK, OBJECTS_MAX};
use super::module::function;
use super::object::Object;
use super::output::believed;
use super::session::Session;
use super::template::{Attribute, Template};
use super::ulong::length;

const FIND: &str = "C_FindObjects";

impl Session {
    /// The objects that have all these attributes, at most `limit` of them.
    ///
    /// # Errors
    /// What the module returned; without a limit, `CKR_HOST_MEMORY` for more than
    /// [`OBJECTS_MAX`].
    pub fn find(&self, attributes: Vec<Attribute>, limit: Option<usize>) -> Result<Vec<Object>> {
        const BEGIN: &str = "C_FindObjectsInit";
        let module = &self.core.module;
        let handle = self.core.handle(BEGIN)?;
        let begin = function!(module, C_FindObjectsInit)?;
        let end = function!(module, C_FindObjectsFinal)?;
        let mut template = Template::new(BEGIN, attributes)?;
        // SAFETY: `begin` is the module's C_FindObjectsInit; the template has that many entries and
        // lives until the search has ended.
        check(BEGIN, unsafe { begin(handle, template.pointer(), template.count()) })?;
        let found = self.fetch(handle, limit);
        // SAFETY: `end` is the module's C_FindObjectsFinal, which takes nothing but the handle.
        let ended = check("C_FindObjectsFinal", unsafe { end(handle) });
        let found = found?;
        ended?;
        Ok(found.into_iter().map(|object| Object::new(&self.core, object)).collect())
    }

    fn fetch(
        &self,
        session: CK_SESSION_HANDLE,
        limit: Option<usize>,
    ) -> Result<Vec<CK_OBJECT_HANDLE>> {
        let call = function!(self.core.module, C_FindObjects)?;
        let most = limit.unwrap_or(usize::MAX);
        let mut found = Vec::new();
        let mut chunk = [CK_OBJECT_HANDLE::default(); OBJECTS_CHUNK];
        while found.len() < most {
            let room = OBJECTS_CHUNK.min(most - found.len());
            let mut count: CK_ULONG = 0;
            // SAFETY: `call` is the module's C_FindObjects; `chunk` has at least `room` writable
            // elements, and `count` is writable.
            let returned =
                unsafe { call(session, chunk.as_mut_ptr(), length(room), &raw mut count) };
            check(FIND, returned)?;
            let count = believed(FIND, count, room)?;
            if count == 0 {
                break;
            }
            found.extend(chunk.iter().take(count));
            if found.len() > OBJECTS_MAX {
                let why = format!("more than {OBJECTS_MAX} objects match; search with a limit");
                return Err(Error::bundle(FIND, CKR_HOST_MEMORY, why));
            }
        }
        Ok(found)
    }
}
