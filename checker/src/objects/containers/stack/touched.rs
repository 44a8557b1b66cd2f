//! Which inserts and removals can stand at a free position: intervals are found by a point that
//! they contain, each one once.

use super::HeldLife;

/// Inserts and removals that no free position has touched yet.
#[derive(Debug)]
pub(super) struct Touched {
    /// By the last position of an insert, the place in order of the first held value there.
    push_from: Vec<u32>,
    /// The first position of each insert, in the order of the last ones.
    pushes: Least,
    /// By position, how many removals can stand there or before.
    pop_until: Vec<u32>,
    /// How far before the last position each removal ends, in the order of the first ones.
    pops: Least,
    /// The held value of each removal.
    pop_of: Vec<u32>,
    /// Whether one of a held value's two ends was touched.
    once: Vec<bool>,
}

impl Touched {
    /// Held values come in the order of `push.1`.
    pub(super) fn of(positions: u32, held: &[HeldLife<'_>]) -> Self {
        let count = |ends: &mut dyn Iterator<Item = u32>| {
            let mut until = vec![0; positions as usize + 1];
            ends.for_each(|end| until[end as usize + 1] += 1);
            (1..until.len()).for_each(|at| until[at] += until[at - 1]);
            until
        };
        let mut pop_of: Vec<u32> = (0..held.len() as u32).collect();
        pop_of.sort_unstable_by_key(|&number| held[number as usize].pop.0);
        let pop_ends = pop_of.iter().map(|&number| positions - held[number as usize].pop.1);
        Self {
            push_from: count(&mut held.iter().map(|held| held.push.1)),
            pushes: Least::of(held.iter().map(|held| held.push.0)),
            pop_until: count(&mut held.iter().map(|held| held.pop.0)),
            pops: Least::of(pop_ends),
            pop_of,
            once: vec![false; held.len()],
        }
    }

    /// Touches the inserts that can stand at this position; values whose other end was touched
    /// before are ready.
    pub(super) fn push_at(&mut self, position: u32, ready: &mut Vec<u32>) {
        let from = self.push_from[position as usize];
        while let Some(number) = self.pushes.take(from as usize, usize::MAX, position) {
            touch(&mut self.once, number as u32, ready);
        }
    }

    /// The same for removals.
    pub(super) fn pop_at(&mut self, position: u32, ready: &mut Vec<u32>) {
        let until = self.pop_until[position as usize + 1];
        let positions = self.push_from.len() as u32 - 1;
        while let Some(at) = self.pops.take(0, until as usize, positions - position) {
            touch(&mut self.once, self.pop_of[at], ready);
        }
    }
}

fn touch(once: &mut [bool], number: u32, ready: &mut Vec<u32>) {
    if std::mem::replace(&mut once[number as usize], true) {
        ready.push(number);
    }
}

/// Numbers in a row, of which any that is small enough can be taken out in O(log n): a tournament
/// tree.
#[derive(Debug)]
struct Least {
    leaves: usize,
    least: Vec<u32>,
}

impl Least {
    fn of(numbers: impl ExactSizeIterator<Item = u32>) -> Self {
        let leaves = numbers.len().next_power_of_two();
        let mut least = vec![u32::MAX; 2 * leaves];
        for (leaf, number) in least[leaves..].iter_mut().zip(numbers) {
            *leaf = number;
        }
        for node in (1..leaves).rev() {
            least[node] = least[2 * node].min(least[2 * node + 1]);
        }
        Self { leaves, least }
    }

    /// Takes one out that is no greater than the limit and stands at `from` or later, before `to`.
    fn take(&mut self, from: usize, to: usize, limit: u32) -> Option<usize> {
        let (mut left, mut right) = (from + self.leaves, to.min(self.leaves) + self.leaves);
        let mut found = None;
        while left < right && found.is_none() {
            if left % 2 == 1 {
                found = Some(left).filter(|&node| self.least[node] <= limit);
                left += 1;
            }
            if right % 2 == 1 {
                right -= 1;
                found = found.or(Some(right).filter(|&node| self.least[node] <= limit));
            }
            left /= 2;
            right /= 2;
        }
        let mut node = found?;
        while node < self.leaves {
            node = 2 * node + usize::from(self.least[2 * node] > limit);
        }
        let leaf = node;
        self.least[leaf] = u32::MAX;
        while node > 1 {
            node /= 2;
            self.least[node] = self.least[2 * node].min(self.least[2 * node + 1]);
        }
        Some(leaf - self.leaves)
    }
}
