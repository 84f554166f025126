//! The generator behind shuffled answers: Python 2's `random.Random` (capa reference, section 5.2).

const N: usize = 624;
const M: usize = 397;

/// A generator seeded with an integer. Most problems draw nothing, so it is set up by the first draw.
#[derive(Debug, Clone)]
pub(super) struct Random {
    seed: i64,
    twister: Option<Twister>,
}

impl Random {
    /// Keeps a seed to draw from.
    pub(super) fn new(seed: i64) -> Self {
        Self { seed, twister: None }
    }

    /// Returns a number from 0 up to 1.
    pub(super) fn random(&mut self) -> f64 {
        let seed = self.seed;
        let twister = self.twister.get_or_insert_with(|| Twister::new(seed));
        let (high, low) = (twister.next() >> 5, twister.next() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }

    /// Returns an index below `count`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "this is how Python 2 draws"
    )]
    pub(super) fn below(&mut self, count: usize) -> usize {
        (self.random() * count as f64) as usize
    }

    /// Shuffles in place.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i + 1);
            items.swap(i, j);
        }
    }
}

/// A Mersenne Twister.
#[derive(Debug, Clone)]
struct Twister {
    state: [u32; N],
    index: usize,
}

impl Twister {
    /// Seeds the generator as Python does: by the 32-bit words of the absolute value, lowest first.
    fn new(seed: i64) -> Self {
        let seed = seed.unsigned_abs();
        #[expect(clippy::cast_possible_truncation, reason = "the words are the point")]
        let mut key = vec![seed as u32];
        if let Ok(high @ 1..) = u32::try_from(seed >> 32) {
            key.push(high);
        }
        let mut random = Self { state: [0; N], index: N };
        random.init(19_650_218);
        let (mut i, mut j) = (1, 0);
        for _ in 0..N.max(key.len()) {
            let previous = random.state[i - 1];
            let mixed = (previous ^ (previous >> 30)).wrapping_mul(1_664_525);
            #[expect(clippy::cast_possible_truncation, reason = "a key has two words at most")]
            let at = j as u32;
            random.state[i] = (random.state[i] ^ mixed).wrapping_add(key[j]).wrapping_add(at);
            i += 1;
            j = (j + 1) % key.len();
            if i >= N {
                random.state[0] = random.state[N - 1];
                i = 1;
            }
        }
        for _ in 0..N - 1 {
            let previous = random.state[i - 1];
            let mixed = (previous ^ (previous >> 30)).wrapping_mul(1_566_083_941);
            #[expect(clippy::cast_possible_truncation, reason = "the index is below 624")]
            let at = i as u32;
            random.state[i] = (random.state[i] ^ mixed).wrapping_sub(at);
            i += 1;
            if i >= N {
                random.state[0] = random.state[N - 1];
                i = 1;
            }
        }
        random.state[0] = 0x8000_0000;
        random
    }

    fn init(&mut self, seed: u32) {
        self.state[0] = seed;
        for i in 1..N {
            let previous = self.state[i - 1];
            #[expect(clippy::cast_possible_truncation, reason = "the index is below 624")]
            let at = i as u32;
            self.state[i] = (previous ^ (previous >> 30)).wrapping_mul(1_812_433_253).wrapping_add(at);
        }
    }

    fn next(&mut self) -> u32 {
        if self.index >= N {
            for i in 0..N {
                let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7fff_ffff);
                let twist = if y & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[i] = self.state[(i + M) % N] ^ (y >> 1) ^ twist;
            }
            self.index = 0;
        }
        let mut y = self.state[self.index];
        self.index += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_pythons() {
        // Python: random.Random(1).random() and three more.
        let mut random = Random::new(1);
        assert_eq!(random.random(), 0.134_364_244_112_401_22);
        assert_eq!(random.random(), 0.847_433_736_937_232_7);
        assert_eq!(random.random(), 0.763_774_618_976_614);
        assert_eq!(random.random(), 0.255_069_025_739_421_7);
    }
}
