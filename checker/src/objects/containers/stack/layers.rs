//! How many values cover each position, and which positions become free.

/// A segment tree of counts (Bentley 1977): ranges are uncovered, and positions without a cover are
/// found, each in O(log n); a position is found once.
#[derive(Debug)]
pub(super) struct Layers {
    /// A power of two: the positions' leaves start here.
    leaves: usize,
    /// Of a node's positions the least count, without what is added above it.
    least: Vec<i32>,
    /// Added to all positions of a node; already in its `least`.
    added: Vec<i32>,
}

/// More than any count: of a position that was found, and of the tree's filling.
const FOUND: i32 = i32::MAX / 2;

impl Layers {
    /// Covers some ranges, from the first position up to and without the second.
    pub(super) fn of(positions: u32, ranges: impl Iterator<Item = (u32, u32)>) -> Self {
        let positions = positions as usize;
        let leaves = positions.next_power_of_two();
        let mut least = vec![FOUND; 2 * leaves];
        least[leaves..leaves + positions].fill(0);
        let mut changes = vec![0; positions + 1];
        for (from, to) in ranges {
            changes[from as usize] += 1;
            changes[to as usize] -= 1;
        }
        let mut count = 0;
        for (leaf, change) in least[leaves..leaves + positions].iter_mut().zip(changes) {
            count += change;
            *leaf = count;
        }
        for node in (1..leaves).rev() {
            least[node] = least[2 * node].min(least[2 * node + 1]);
        }
        Self { leaves, least, added: vec![0; leaves] }
    }

    /// Takes one cover away from a range.
    pub(super) fn remove(&mut self, from: u32, to: u32) {
        let (first, last) = (from as usize + self.leaves, to as usize - 1 + self.leaves);
        let (mut left, mut right) = (first, last + 1);
        while left < right {
            if left % 2 == 1 {
                self.uncover(left);
                left += 1;
            }
            if right % 2 == 1 {
                right -= 1;
                self.uncover(right);
            }
            left /= 2;
            right /= 2;
        }
        self.renew_above(first);
        self.renew_above(last);
    }

    fn uncover(&mut self, node: usize) {
        self.least[node] -= 1;
        if let Some(added) = self.added.get_mut(node) {
            *added -= 1;
        }
    }

    fn renew(&mut self, node: usize) {
        let below = self.least[2 * node].min(self.least[2 * node + 1]);
        self.least[node] = below + self.added[node];
    }

    fn renew_above(&mut self, leaf: usize) {
        let mut node = leaf / 2;
        while node > 0 {
            self.renew(node);
            node /= 2;
        }
    }

    /// Finds the free positions of a range that were not found before.
    pub(super) fn freed(&mut self, from: u32, to: u32, found: &mut Vec<u32>) {
        let wanted = (from as usize, to as usize);
        self.find(1, (0, self.leaves), 0, wanted, found);
    }

    /// In a node that spans these positions, below nodes that add so much. As deep as the tree.
    fn find(
        &mut self,
        node: usize,
        span: (usize, usize),
        above: i32,
        wanted: (usize, usize),
        found: &mut Vec<u32>,
    ) {
        let outside = span.1 <= wanted.0 || wanted.1 <= span.0;
        if outside || self.least[node] + above > 0 {
            return;
        }
        if node >= self.leaves {
            self.least[node] = FOUND;
            found.push(span.0 as u32);
            return;
        }
        let (above, middle) = (above + self.added[node], usize::midpoint(span.0, span.1));
        self.find(2 * node, (span.0, middle), above, wanted, found);
        self.find(2 * node + 1, (middle, span.1), above, wanted, found);
        self.renew(node);
    }
}
