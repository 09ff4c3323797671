namespace TorchSharp;

public static partial class torch
{
    public static bool cuda_is_available() => cuda.is_available();

    public static class cuda
    {
        public static bool is_available() => device_count() > 0;

        public static int device_count() => (int)Native.Check(Native.torch_cuda_device_count());

        public static void manual_seed(long seed) => random.manual_seed(seed).Dispose();

        public static void manual_seed_all(long seed) => random.manual_seed(seed).Dispose();

        /// <summary>Waits until everything asked of a device is done.</summary>
        /// <exception cref="System.Runtime.InteropServices.ExternalException">There is no CUDA.</exception>
        public static void synchronize(Device? device = null) => Native.Check(Native.torch_cuda_synchronize(device?.index ?? -1));
    }
}
