using System.Runtime.InteropServices;

namespace TorchSharp;

/// <summary>State of libtorch: gradient mode, threads, version.</summary>
public static partial class torch
{
    public static string __version__ => Marshal.PtrToStringUTF8(Native.torch_version())!;

    /// <summary>Turns gradients off on this thread until disposed.</summary>
    public static IDisposable no_grad() => new GradMode(false);

    public static IDisposable enable_grad(bool enabled = true) => new GradMode(enabled);

    public static IDisposable set_grad_enabled(bool mode = true) => new GradMode(mode);

    public static bool is_grad_enabled() => Native.torch_grad_mode() != 0;

    /// <summary>Leaves out autograd's bookkeeping on this thread until disposed, on the same thread.</summary>
    public static IDisposable inference_mode(bool mode = true) => new InferenceMode(mode);

    public static bool is_inference_mode_enabled() => Native.torch_inference_mode() != 0;

    /// <summary>How many threads an operator may use. At the start it is the number of cores.</summary>
    public static int get_num_threads() => Native.torch_num_threads();

    public static void set_num_threads(int num) => Native.Check(Native.torch_set_num_threads(num));

    public static int get_num_interop_threads() => Native.torch_num_interop_threads();

    public static void set_num_interop_threads(int num) => Native.Check(Native.torch_set_num_interop_threads(num));

    private sealed class GradMode : IDisposable
    {
        private readonly int before = Native.torch_grad_mode();

        internal GradMode(bool enabled) => Native.torch_set_grad_mode(enabled ? 1 : 0);

        public void Dispose() => Native.torch_set_grad_mode(before);
    }

    private sealed class InferenceMode : IDisposable
    {
        private nint mode;

        internal InferenceMode(bool enabled) => mode = Native.torch_enter_inference_mode(enabled ? 1 : 0);

        public void Dispose()
        {
            if (mode != 0)
                Native.torch_leave_inference_mode(mode);
            mode = 0;
        }
    }
}
