//! How each model is played.

use std::sync::Arc;

use super::{Play, Player, Random};
use crate::objects::{
    containers::{Act, Container, Discipline},
    counter::{self, Counter},
    lock::{self, Lock},
    log::{self, Log},
    model::Model,
    multi_register::{self, Micro, MultiRegister},
    semaphore::{self, Permits, Semaphore},
    set::{self, Set},
    string_kv::{self, StringKv},
};

impl<D: Discipline> Play for Container<D> {
    fn object(_: &mut Random) -> Self {
        Self::EMPTY
    }

    fn wish(&self, player: &mut Player<'_>, _: &Self::State) -> Act {
        if player.puts() {
            let value = player.new_value();
            Act::Insert(mixed(player, value))
        } else {
            Act::RemoveAny
        }
    }

    fn perform(&self, inside: &mut Self::State, wish: &Act) -> Option<Act> {
        if let Act::Insert(_) = wish {
            return self.apply(inside, wish).then_some(*wish);
        }
        let next = D::next(inside);
        D::take(inside);
        Some(next.map_or(Act::Empty, Act::Remove))
    }

    fn falsified(&self, player: &mut Player<'_>, told: &Act) -> Option<Act> {
        match told {
            Act::Insert(_) => None,
            _ if player.random.chance(30) => Some(Act::Empty),
            _ => {
                let value = player.any_value();
                Some(Act::Remove(mixed(player, value)))
            }
        }
    }
}

/// A unique value, in no order: its parity is that of the order in which it comes.
fn mixed(player: &Player<'_>, value: u32) -> u32 {
    if player.shape.values == 0 { (value * 37) % 64 } else { value }
}

impl Play for Set {
    fn object(_: &mut Random) -> Self {
        Self
    }

    fn wish(&self, player: &mut Player<'_>, _: &Self::State) -> set::Effect {
        if player.puts() {
            set::Effect::Add(player.new_value())
        } else {
            match player.random.below(3) {
                0 => set::Effect::Remove(player.any_value()),
                1 => set::Effect::Contains(player.any_value(), true),
                _ => set::Effect::Read(Arc::default()),
            }
        }
    }

    fn perform(&self, state: &mut Self::State, wish: &set::Effect) -> Option<set::Effect> {
        let has = |value: u32| self.step(state, &set::Effect::Contains(value, true)).is_some();
        match wish {
            set::Effect::Contains(value, _) => Some(set::Effect::Contains(*value, has(*value))),
            set::Effect::Read(_) => {
                Some(set::Effect::Read((0..64).filter(|&value| has(value)).collect()))
            }
            change => self.apply(state, change).then(|| change.clone()),
        }
    }

    fn falsified(&self, player: &mut Player<'_>, told: &set::Effect) -> Option<set::Effect> {
        match told {
            set::Effect::Contains(value, held) => Some(set::Effect::Contains(*value, !held)),
            set::Effect::Read(found) => {
                let value = player.any_value();
                let mut found: Vec<u32> = found.to_vec();
                match found.binary_search(&value) {
                    Ok(at) => drop(found.remove(at)),
                    Err(at) => found.insert(at, value),
                }
                Some(set::Effect::Read(found.into()))
            }
            _ => None,
        }
    }
}

impl Play for Counter {
    fn object(random: &mut Random) -> Self {
        Self { initial: random.below(3).into() }
    }

    fn wish(&self, player: &mut Player<'_>, _: &Self::State) -> counter::Effect {
        if player.puts() {
            let most = player.shape.values.max(1);
            let amount = i64::from(player.random.below(most) + 1);
            let down = player.shape.values > 1 && player.random.chance(30);
            counter::Effect::Add(if down { -amount } else { amount })
        } else {
            counter::Effect::Read(0)
        }
    }

    fn perform(&self, state: &mut Self::State, wish: &counter::Effect) -> Option<counter::Effect> {
        match wish {
            counter::Effect::Read(_) => i64::try_from(*state).ok().map(counter::Effect::Read),
            counter::Effect::Add(_) => self.apply(state, wish).then_some(*wish),
        }
    }

    fn falsified(
        &self,
        player: &mut Player<'_>,
        told: &counter::Effect,
    ) -> Option<counter::Effect> {
        match told {
            counter::Effect::Read(found) => {
                Some(counter::Effect::Read(found + i64::from(player.random.below(5)) - 2))
            }
            counter::Effect::Add(_) => None,
        }
    }
}

impl Play for Lock {
    fn object(_: &mut Random) -> Self {
        Self::default()
    }

    /// Fencing tokens where values are unique, or where there are four.
    fn wish(&self, player: &mut Player<'_>, state: &Self::State) -> lock::Effect {
        let owner = player.process;
        let holds = self.step(state, &lock::Effect::Release { owner }).is_some();
        if holds && !player.random.chance(20) {
            return lock::Effect::Release { owner };
        }
        if player.random.chance(10) {
            return lock::Effect::Release { owner };
        }
        let fenced = matches!(player.shape.values, 0 | 4);
        lock::Effect::Acquire { owner, token: fenced.then(|| player.new_token()) }
    }

    fn perform(&self, state: &mut Self::State, wish: &lock::Effect) -> Option<lock::Effect> {
        if self.apply(state, wish) {
            return Some(*wish);
        }
        let refused = match *wish {
            lock::Effect::Release { owner } => lock::Effect::NotHeldBy { owner },
            _ => lock::Effect::Held,
        };
        self.apply(state, &refused).then_some(refused)
    }

    fn falsified(&self, player: &mut Player<'_>, told: &lock::Effect) -> Option<lock::Effect> {
        let owner = player.process;
        match *told {
            lock::Effect::Held => Some(lock::Effect::Acquire { owner, token: None }),
            lock::Effect::NotHeldBy { .. } => Some(lock::Effect::Release { owner }),
            lock::Effect::Release { .. } if player.random.chance(30) => {
                Some(lock::Effect::NotHeldBy { owner })
            }
            lock::Effect::Acquire { .. } if player.random.chance(30) => Some(lock::Effect::Held),
            lock::Effect::Acquire { token: Some(_), .. } if player.random.chance(50) => {
                Some(lock::Effect::Acquire { owner, token: Some(player.any_value()) })
            }
            _ => None,
        }
    }
}

impl Play for Semaphore {
    fn object(random: &mut Random) -> Self {
        Self { permits: u64::from(random.below(4)) + 1 }
    }

    fn wish(&self, player: &mut Player<'_>, _: &Self::State) -> semaphore::Effect {
        let most = player.shape.values.clamp(1, 3);
        let count = u64::from(player.random.below(most)) + 1;
        let permits = Permits { count, owner: player.process.into() };
        if player.puts() {
            semaphore::Effect::Acquire(permits)
        } else {
            semaphore::Effect::Release(permits)
        }
    }

    fn perform(
        &self,
        state: &mut Self::State,
        wish: &semaphore::Effect,
    ) -> Option<semaphore::Effect> {
        match *wish {
            effect if self.apply(state, &effect) => Some(effect),
            semaphore::Effect::Acquire(permits) => Some(semaphore::Effect::Short(permits.count)),
            _ => None,
        }
    }

    fn falsified(
        &self,
        player: &mut Player<'_>,
        told: &semaphore::Effect,
    ) -> Option<semaphore::Effect> {
        match *told {
            semaphore::Effect::Short(count) => {
                let owner = player.process.into();
                Some(semaphore::Effect::Acquire(Permits { count, owner }))
            }
            semaphore::Effect::Acquire(permits) if player.random.chance(40) => {
                Some(semaphore::Effect::Short(permits.count))
            }
            _ => None,
        }
    }
}

impl Play for StringKv {
    fn object(_: &mut Random) -> Self {
        Self::with_initial(String::new()).knowing((0..64).map(text).collect())
    }

    fn wish(&self, player: &mut Player<'_>, _: &Self::State) -> string_kv::Effect {
        if player.puts() {
            let value = text(player.new_value());
            if player.random.chance(75) {
                string_kv::Effect::Append(value)
            } else {
                string_kv::Effect::Put(value)
            }
        } else {
            string_kv::Effect::Get(Arc::from(""))
        }
    }

    fn perform(
        &self,
        state: &mut Self::State,
        wish: &string_kv::Effect,
    ) -> Option<string_kv::Effect> {
        match wish {
            string_kv::Effect::Get(_) => Some(string_kv::Effect::Get(state.as_str().into())),
            change => self.apply(state, change).then(|| change.clone()),
        }
    }

    fn falsified(
        &self,
        player: &mut Player<'_>,
        told: &string_kv::Effect,
    ) -> Option<string_kv::Effect> {
        let string_kv::Effect::Get(found) = told else { return None };
        let found = match player.random.below(3) {
            0 => found.chars().skip(1).collect(),
            1 => found.chars().take(found.chars().count().saturating_sub(1)).collect(),
            _ => format!("{found}{}", text(player.any_value())),
        };
        Some(string_kv::Effect::Get(found.into()))
    }
}

/// A letter each, so that one string may come about in several ways where values repeat.
fn text(value: u32) -> Arc<str> {
    char::from_u32('a' as u32 + value).map(String::from).unwrap_or_default().into()
}

const REGISTERS: u32 = 3;

impl Play for MultiRegister {
    fn object(_: &mut Random) -> Self {
        Self { keys: vec![temblor_history::ValueId::NULL; REGISTERS as usize] }
    }

    fn wish(&self, player: &mut Player<'_>, _: &Self::State) -> multi_register::Effect {
        let parts = 1 + player.random.below(3);
        let part = |_| {
            let register = player.random.below(REGISTERS);
            if player.puts() {
                Micro::Write(register, player.new_value() + 1)
            } else {
                Micro::Read(register, multi_register::INITIAL)
            }
        };
        (0..parts).map(part).collect()
    }

    fn perform(
        &self,
        state: &mut Self::State,
        wish: &multi_register::Effect,
    ) -> Option<multi_register::Effect> {
        let part = |part: &Micro| match *part {
            Micro::Read(register, _) => Micro::Read(register, state[register as usize]),
            Micro::Write(register, value) => {
                state[register as usize] = value;
                *part
            }
        };
        Some(wish.iter().map(part).collect())
    }

    fn falsified(
        &self,
        player: &mut Player<'_>,
        told: &multi_register::Effect,
    ) -> Option<multi_register::Effect> {
        if told.iter().all(|part| matches!(part, Micro::Write(..))) {
            return None;
        }
        let part = |part: &Micro| match *part {
            Micro::Read(register, _) if player.random.chance(60) => {
                Micro::Read(register, player.any_value())
            }
            other => other,
        };
        Some(told.iter().map(part).collect())
    }

    fn unknown(wish: &multi_register::Effect) -> Option<multi_register::Effect> {
        let writes = wish.iter().filter(|part| matches!(part, Micro::Write(..)));
        let writes: Vec<Micro> = writes.copied().collect();
        (!writes.is_empty()).then(|| writes.into())
    }
}

/// The offsets of a log that is played: what is at which is fixed beforehand.
const OFFSETS: u32 = 16;

impl Play for Log {
    fn object(random: &mut Random) -> Self {
        let repeated = random.chance(30);
        let value = |rank| if repeated { random.below(3) } else { rank };
        Self::new((0..OFFSETS).map(i64::from).collect(), (0..OFFSETS).map(value).collect())
    }

    fn wish(&self, player: &mut Player<'_>, state: &Self::State) -> log::Effect {
        if player.puts() {
            // What comes next, or something that nobody will ever see.
            let ahead = player.random.below(2);
            let next = self.content.get((state + ahead) as usize).copied();
            log::Effect::Send(next.unwrap_or(player.random.below(OFFSETS)), None)
        } else {
            log::Effect::Poll(Arc::default())
        }
    }

    fn perform(&self, state: &mut Self::State, wish: &log::Effect) -> Option<log::Effect> {
        match wish {
            log::Effect::Send(value, _) => {
                let told = log::Effect::Send(*value, Some(*state));
                self.apply(state, &told).then_some(told)
            }
            log::Effect::Poll(_) => {
                let from = state.saturating_sub(3);
                let found = (from..*state).map(|rank| (rank, self.content[rank as usize]));
                Some(log::Effect::Poll(found.collect()))
            }
        }
    }

    fn falsified(&self, player: &mut Player<'_>, told: &log::Effect) -> Option<log::Effect> {
        let log::Effect::Poll(found) = told else { return None };
        let mut found = found.to_vec();
        if found.len() > 2 && player.random.chance(40) {
            found.remove(1);
        } else {
            let rank = player.random.below(OFFSETS);
            found = vec![(rank, self.content[rank as usize])];
        }
        Some(log::Effect::Poll(found.into()))
    }
}
