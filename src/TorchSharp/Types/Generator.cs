namespace TorchSharp;

public static partial class torch
{
    /// <summary>A stream of random numbers of one device.</summary>
    public class Generator : IDisposable
    {
        private nint handle;

        public Generator(ulong seed = 0, Device? device = null)
        {
            this.device = device ?? CPU;
            handle = Native.Handle(Native.torch_new_generator(seed, (int)this.device.type, this.device.index));
        }

        private Generator(nint handle)
        {
            device = CPU;
            this.handle = handle;
        }

        ~Generator() => Dispose(false);

        /// <summary>The CPU's generator, which operators use when they are given none.</summary>
        public static Generator Default => new(Native.Handle(Native.torch_default_generator((int)DeviceType.CPU, -1)));

        public Device device { get; }

        public IntPtr Handle => handle != 0 ? handle : throw new InvalidOperationException("Generator invalid -- empty handle.");

        public Generator manual_seed(long seed)
        {
            _ = Native.Check(Native.torch_generator_set_seed(Handle, (ulong)seed));
            return this;
        }

        /// <summary>Seeds the generator from the clock, and returns that seed.</summary>
        public long seed()
        {
            var seed = DateTime.UtcNow.Ticks;
            _ = manual_seed(seed);
            return seed;
        }

        public long initial_seed() => (long)Native.torch_generator_seed(Handle);

        /// <summary>The generator's whole state, as bytes.</summary>
        public Tensor get_state() => new(Native.Handle(Native.torch_generator_state(Handle)));

        public void set_state(Tensor value) => Native.Check(Native.torch_generator_set_state(Handle, value.Handle));

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            if (handle != 0)
                Native.torch_free_generator(handle);
            handle = 0;
        }
    }
}
