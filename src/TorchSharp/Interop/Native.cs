using System.Runtime.InteropServices;

namespace TorchSharp;

/// <summary>The functions of native/TorchSharpNative.cpp.</summary>
internal static unsafe partial class Native
{
    private const string Library = "TorchSharpNative";

    /// <summary>Runs before libtorch and its OpenMP runtime are loaded, which read their environment once.</summary>
    static Native()
    {
        OpenMp.Prepare();
        Check(torch_set_num_threads(Environment.ProcessorCount));
    }

    /// <summary>Throws libtorch's message if a call failed.</summary>
    /// <exception cref="ExternalException">The call returned a negative number.</exception>
    internal static long Check(long result) => result >= 0 ? result : throw Error();

    /// <summary>Throws libtorch's message if a call failed.</summary>
    /// <exception cref="ExternalException">The call returned no handle.</exception>
    internal static nint Handle(nint handle) => handle != 0 ? handle : throw Error();

    internal static ExternalException Error() => new(Marshal.PtrToStringUTF8(torch_error()));

    [LibraryImport(Library)] private static partial nint torch_error();
    [LibraryImport(Library)] internal static partial nint torch_version();

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint torch_operator(string name, string overload);
    [LibraryImport(Library)] internal static partial int torch_call(nint op, NativeValue* arguments, int count, NativeValue** results);

    [LibraryImport(Library)] internal static partial void torch_free(nint tensor);
    [LibraryImport(Library)] internal static partial nint torch_alias(nint tensor);
    [LibraryImport(Library)]
    internal static partial nint torch_from_memory(void* data, long* sizes, long dimensions, int dtype, delegate* unmanaged<nint, void> release, nint context);

    // These read a field and never block, so the garbage collector need not be told about them.
    [LibraryImport(Library), SuppressGCTransition] internal static partial long torch_dim(nint tensor);
    [LibraryImport(Library), SuppressGCTransition] internal static partial long torch_numel(nint tensor);
    [LibraryImport(Library), SuppressGCTransition] internal static partial int torch_dtype(nint tensor);
    [LibraryImport(Library), SuppressGCTransition] internal static partial long torch_element_size(nint tensor);
    [LibraryImport(Library), SuppressGCTransition] internal static partial int torch_device_type(nint tensor);
    [LibraryImport(Library), SuppressGCTransition] internal static partial int torch_device_index(nint tensor);
    [LibraryImport(Library), SuppressGCTransition] internal static partial int torch_is_leaf(nint tensor);
    [LibraryImport(Library), SuppressGCTransition] internal static partial int torch_requires_grad(nint tensor);

    [LibraryImport(Library)] internal static partial long torch_size(nint tensor, long dimension);
    [LibraryImport(Library)] internal static partial long torch_stride(nint tensor, long dimension);
    [LibraryImport(Library)] internal static partial int torch_is_contiguous(nint tensor);
    [LibraryImport(Library)] internal static partial long torch_storage_offset(nint tensor);
    [LibraryImport(Library)] internal static partial int torch_data(nint tensor, void** data);

    [LibraryImport(Library)] internal static partial int torch_set_requires_grad(nint tensor, int value);
    [LibraryImport(Library)] internal static partial int torch_retain_grad(nint tensor);
    [LibraryImport(Library)] internal static partial nint torch_grad(nint tensor);
    [LibraryImport(Library)] internal static partial int torch_set_grad(nint tensor, nint gradient);
    [LibraryImport(Library)]
    internal static partial int torch_backward(nint* tensors, nint* gradients, int count, int retainGraph, int createGraph, nint* inputs, int inputCount);
    [LibraryImport(Library)]
    internal static partial int torch_gradients(nint* outputs, nint* gradients, int count, nint* inputs, int inputCount, int retainGraph, int createGraph,
        int allowUnused, nint* results);
    [LibraryImport(Library)] internal static partial int torch_grad_mode();
    [LibraryImport(Library)] internal static partial void torch_set_grad_mode(int enabled);
    [LibraryImport(Library)] internal static partial int torch_inference_mode();
    [LibraryImport(Library)] internal static partial nint torch_enter_inference_mode(int enabled);
    [LibraryImport(Library)] internal static partial void torch_leave_inference_mode(nint mode);

    [LibraryImport(Library)] internal static partial int torch_num_threads();
    [LibraryImport(Library)] internal static partial int torch_set_num_threads(int count);
    [LibraryImport(Library)] internal static partial int torch_num_interop_threads();
    [LibraryImport(Library)] internal static partial int torch_set_num_interop_threads(int count);

    [LibraryImport(Library)] internal static partial int torch_manual_seed(ulong seed);
    [LibraryImport(Library)] internal static partial nint torch_default_generator(int deviceType, int deviceIndex);
    [LibraryImport(Library)] internal static partial nint torch_new_generator(ulong seed, int deviceType, int deviceIndex);
    [LibraryImport(Library)] internal static partial void torch_free_generator(nint generator);
    [LibraryImport(Library)] internal static partial ulong torch_generator_seed(nint generator);
    [LibraryImport(Library)] internal static partial int torch_generator_set_seed(nint generator, ulong seed);
    [LibraryImport(Library)] internal static partial nint torch_generator_state(nint generator);
    [LibraryImport(Library)] internal static partial int torch_generator_set_state(nint generator, nint state);

    [LibraryImport(Library)] internal static partial int torch_cuda_device_count();
    [LibraryImport(Library)] internal static partial int torch_cuda_synchronize(int index);
    [LibraryImport(Library)] internal static partial int torch_init_device(int deviceType);
}
