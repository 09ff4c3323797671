namespace TorchSharp;

public static partial class torch
{
    /// <summary>Seeds every device's default generator; returns the CPU's.</summary>
    public static Generator manual_seed(long seed) => random.manual_seed(seed);

    public static long seed() => random.seed();

    public static long initial_seed() => random.initial_seed();

    public static void set_rng_state(Tensor new_state) => random.set_rng_state(new_state);

    /// <summary>The default generators.</summary>
    public static class random
    {
        public static Generator manual_seed(long seed)
        {
            _ = Native.Check(Native.torch_manual_seed((ulong)seed));
            return Generator.Default;
        }

        /// <summary>Seeds the default generators from the clock, and returns that seed.</summary>
        public static long seed()
        {
            var seed = DateTime.UtcNow.Ticks;
            manual_seed(seed).Dispose();
            return seed;
        }

        public static long initial_seed()
        {
            using var generator = Generator.Default;
            return generator.initial_seed();
        }

        public static Tensor get_rng_state()
        {
            using var generator = Generator.Default;
            return generator.get_state();
        }

        public static void set_rng_state(Tensor new_state)
        {
            using var generator = Generator.Default;
            generator.set_state(new_state);
        }
    }
}
