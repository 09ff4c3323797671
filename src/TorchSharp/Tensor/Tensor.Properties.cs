namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public ScalarType dtype => (ScalarType)Native.torch_dtype(Handle);

        public DeviceType device_type => (DeviceType)Native.torch_device_type(Handle);

        public int device_index => Native.torch_device_index(Handle);

        public Device device => device_type == DeviceType.CPU ? CPU : new Device(device_type, device_index);

        public bool is_cuda => device_type == DeviceType.CUDA;

        public bool is_meta => device_type == DeviceType.META;

        public bool is_cpu() => device_type == DeviceType.CPU;

        public long ndim => Native.torch_dim(Handle);

        public long Dimensions => ndim;

        public long dim() => ndim;

        public long NumberOfElements => Native.torch_numel(Handle);

        public long numel() => NumberOfElements;

        /// <summary>Bytes of one element.</summary>
        public long ElementSize => Native.torch_element_size(Handle);

        public long element_size() => ElementSize;

        public long[] shape
        {
            get
            {
                var sizes = new long[ndim];
                for (var i = 0; i < sizes.Length; i++)
                    sizes[i] = Native.torch_size(handle, i);
                return sizes;
            }
        }

        public long[] size() => shape;

        /// <summary>The size of a dimension; -1 is the last.</summary>
        public long size(int dim) => Native.Check(Native.torch_size(Handle, dim));

        /// <summary>For each dimension, how many elements apart its neighbours lie.</summary>
        public long[] stride()
        {
            var strides = new long[ndim];
            for (var i = 0; i < strides.Length; i++)
                strides[i] = Native.torch_stride(handle, i);
            return strides;
        }

        public long stride(int dim) => Native.Check(Native.torch_stride(Handle, dim));

        public long storage_offset() => Native.Check(Native.torch_storage_offset(Handle));

        public bool is_contiguous() => Native.Check(Native.torch_is_contiguous(Handle)) != 0;

        public bool is_floating_point() => torch.is_floating_point(dtype);

        public bool is_integral() => torch.is_integral(dtype);

        public bool is_complex() => torch.is_complex(dtype);
    }

    public static long numel(Tensor input) => input.numel();

    public static bool is_floating_point(Tensor input) => input.is_floating_point();

    public static bool is_integral(Tensor t) => t.is_integral();

    public static bool is_complex(Tensor input) => input.is_complex();
}
