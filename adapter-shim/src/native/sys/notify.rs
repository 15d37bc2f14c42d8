//! The listener of a filter that asks: reading a question, answering it.

use super::checked;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _};

/// A system call that waits for an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question {
    /// Names it in the answer.
    pub(crate) id: u64,
    /// The task that makes it, as this process sees it.
    pub(crate) task: i32,
    /// Its number.
    pub(crate) number: u64,
    /// Its arguments.
    pub(crate) args: [u64; 6],
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The call is not made, and returns this error.
    Refuse(i32),
    /// The call is made.
    Make,
}

/// The next question. Waits for one if there is none.
///
/// # Errors
/// `ENOENT` if whoever asked is gone.
pub(crate) fn receive(listener: impl AsFd) -> io::Result<Question> {
    // The kernel wants zeros where it will write.
    let mut question = std::mem::MaybeUninit::<libc::seccomp_notif>::zeroed();
    let listener = listener.as_fd().as_raw_fd();
    // SAFETY: this request writes a `seccomp_notif`, and the memory lives through the call.
    let received =
        unsafe { libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_RECV, question.as_mut_ptr()) };
    checked(received.into())?;
    // SAFETY: every bit pattern, zeros too, is a value of it.
    let question = unsafe { question.assume_init() };
    Ok(Question {
        id: question.id,
        task: question.pid.cast_signed(),
        number: u64::from(question.data.nr.cast_unsigned()),
        args: question.data.args,
    })
}

/// Answers question `id`.
///
/// # Errors
/// `ENOENT` if whoever asked is gone.
pub(crate) fn answer(listener: impl AsFd, id: u64, answer: Answer) -> io::Result<()> {
    let (error, flags) = match answer {
        Answer::Refuse(errno) => (-errno, 0),
        Answer::Make => (0, libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE),
    };
    let flags = u32::try_from(flags).map_err(io::Error::other)?;
    let mut response = libc::seccomp_notif_resp { id, val: 0, error, flags };
    let listener = listener.as_fd().as_raw_fd();
    // SAFETY: this request reads a `seccomp_notif_resp`, which lives through the call.
    let sent = unsafe { libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut response) };
    checked(sent.into()).map(drop)
}
