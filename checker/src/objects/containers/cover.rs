//! When something was certainly inside, and who.

use super::{
    Conflict, Held, NEVER,
    lives::{Life, Look},
};

/// The moments of a container at which nothing was certainly inside. A moment is named by the event
/// just before it.
pub(super) struct Cover {
    /// For each event, the first such moment from it on.
    free_from: Vec<u32>,
}

impl Cover {
    /// O(events).
    pub(super) fn of(lives: &[Life], events: u32) -> Self {
        let events = events as usize;
        let mut change = vec![0_i8; events];
        for life in lives.iter().filter(|life| life.is_held()) {
            change[life.b as usize] = 1;
            if life.c != NEVER {
                change[life.c as usize] = -1;
            }
        }
        let mut inside = 0;
        let mut free_from = vec![NEVER; events];
        for (free, change) in free_from.iter_mut().zip(change) {
            inside += i64::from(change);
            *free = inside.min(1) as u32;
        }
        let mut next = NEVER;
        for (event, free) in free_from.iter_mut().enumerate().rev() {
            if *free == 0 {
                next = event as u32;
            }
            *free = next;
        }
        Self { free_from }
    }

    /// A moment for each look, the earliest first: (moment, number of the look).
    pub(super) fn moments(
        &self,
        lives: &[Life],
        looks: &[Look],
    ) -> Result<Vec<(u32, u32)>, Conflict> {
        let mut moments = Vec::with_capacity(looks.len());
        for (number, look) in (0..).zip(looks) {
            let moment = self.free_from[look.from as usize];
            if moment >= look.to {
                let held = chain(lives.iter(), look.from, look.to);
                return Err(Conflict::NotEmpty { empty: look.place, held });
            }
            moments.push((moment, number));
        }
        moments.sort_unstable();
        Ok(moments)
    }
}

/// As few lives as possible of which one is certainly inside at every moment from just after event
/// `from` until event `to`, in the order of time. There have to be such lives.
pub(super) fn chain<'a>(lives: impl Iterator<Item = &'a Life>, from: u32, to: u32) -> Vec<Held> {
    let mut held: Vec<&Life> =
        lives.filter(|life| life.is_held() && life.b < to && life.c > from).collect();
    held.sort_unstable_by_key(|life| life.b);
    let (mut chain, mut held, mut covered) = (Vec::new(), held.into_iter().peekable(), from);
    while covered < to {
        let mut longest: Option<&Life> = None;
        while let Some(life) = held.next_if(|life| life.b <= covered) {
            longest = longest.filter(|longest| longest.c >= life.c).or(Some(life));
        }
        let Some(longest) = longest.filter(|longest| longest.c > covered) else { break };
        chain.push(Held::of(longest));
        covered = longest.c;
    }
    chain
}
