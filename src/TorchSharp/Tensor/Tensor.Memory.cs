namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        /// <summary>The tensor's own memory: contiguous, on the CPU, under 2 GiB. Valid until the tensor is disposed.</summary>
        /// <exception cref="InvalidOperationException">The tensor is not contiguous, or not on the CPU.</exception>
        /// <exception cref="ArgumentException">The tensor is too large, or the bytes set are not as many.</exception>
        public unsafe Span<byte> bytes
        {
            get
            {
                if (!is_contiguous())
                    throw new InvalidOperationException("Bytes() called on non-contiguous tensor.");
                var length = NumberOfElements * ElementSize;
                if (length > int.MaxValue)
                    throw new ArgumentException("Span only supports up to int.MaxValue elements.");
                return new Span<byte>(Address, (int)length);
            }

            set
            {
                var own = bytes;
                if (own.Length != value.Length)
                    throw new ArgumentException("Mismatched data sizes in SetBytes().");
                value.CopyTo(own);
            }
        }

        /// <summary>The address of the first element.</summary>
        /// <exception cref="InvalidOperationException">The tensor is not on the CPU.</exception>
        internal unsafe void* Address
        {
            get
            {
                if (device_type != DeviceType.CPU)
                    throw new InvalidOperationException("Reading data from non-CPU memory is not supported. Move or copy the tensor to the cpu before reading.");
                void* data;
                _ = Native.Check(Native.torch_data(Handle, &data));
                return data;
            }
        }

        /// <summary>The elements in row-major order, whatever the strides; a copy of them if they are not on the CPU.</summary>
        /// <exception cref="ArgumentException">T is not the tensor's element type.</exception>
        public Utils.TensorAccessor<T> data<T>()
            where T : unmanaged
        {
            ElementType.Require<T>(dtype);
            return new Utils.TensorAccessor<T>(device_type == DeviceType.CPU ? this : cpu());
        }

        /// <summary>The only element.</summary>
        /// <exception cref="ArgumentException">There is not exactly one, or T is not its type.</exception>
        public T item<T>()
            where T : unmanaged =>
            NumberOfElements == 1 ? data<T>()[0] : throw new ArgumentException("Number of elements in the tensor must be 1");

        /// <summary>The only element, converted.</summary>
        public Scalar ToScalar() => Operator.CallScalar("item", this);

        public bool ReadCpuBool(long i) => ReadCpuValue<bool>(i);
        public byte ReadCpuByte(long i) => ReadCpuValue<byte>(i);
        public sbyte ReadCpuSByte(long i) => ReadCpuValue<sbyte>(i);
        public short ReadCpuInt16(long i) => ReadCpuValue<short>(i);
        public int ReadCpuInt32(long i) => ReadCpuValue<int>(i);
        public long ReadCpuInt64(long i) => ReadCpuValue<long>(i);
        public float ReadCpuSingle(long i) => ReadCpuValue<float>(i);
        public double ReadCpuDouble(long i) => ReadCpuValue<double>(i);
        public float ReadCpuFloat16(long i) => (float)ReadCpuValue<Half>(i);
        public float ReadCpuBFloat16(long i) => ReadCpuValue<BFloat16>(i).ToSingle();

        /// <summary>The element at an index into the row-major order.</summary>
        public T ReadCpuValue<T>(long i)
            where T : unmanaged => data<T>()[i];

        public static explicit operator bool(Tensor value) => value.ToBoolean();
        public static explicit operator byte(Tensor value) => value.ToByte();
        public static explicit operator sbyte(Tensor value) => value.ToSByte();
        public static explicit operator short(Tensor value) => value.ToInt16();
        public static explicit operator int(Tensor value) => value.ToInt32();
        public static explicit operator long(Tensor value) => value.ToInt64();
        public static explicit operator float(Tensor value) => value.ToSingle();
        public static explicit operator double(Tensor value) => value.ToDouble();
    }
}
