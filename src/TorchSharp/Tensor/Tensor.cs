namespace TorchSharp;

public static partial class torch
{
    /// <summary>
    /// A libtorch tensor: an n-dimensional view of memory that other tensors may share. Members are those of TorchSharp
    /// 0.107.0, which follow PyTorch's; a name that ends in "_" changes the tensor and returns it. A failed operation throws
    /// <see cref="System.Runtime.InteropServices.ExternalException"/> with libtorch's message.
    /// </summary>
    /// <remarks>A tensor's memory is freed when its last tensor is disposed: by itself, by its scope, or at the latest by the collector.</remarks>
    public partial class Tensor : IDisposable
    {
        private static long total;
        private static long peak;

        private nint handle;

        internal Tensor(nint handle)
        {
            this.handle = handle;
            var count = Interlocked.Increment(ref total);
            if (count > Volatile.Read(ref peak))
                Volatile.Write(ref peak, count);
            OwningDisposeScope = DisposeScopeManager.OfThread.Register(this);
        }

        ~Tensor() => Dispose(false);

        /// <summary>How many tensors .NET holds now. Views count, and tensors that live inside libtorch only do not.</summary>
        public static long TotalCount => Interlocked.Read(ref total);

        /// <summary>The most that <see cref="TotalCount"/> has been.</summary>
        public static long PeakCount => Interlocked.Read(ref peak);

        /// <summary>A pointer to the at::Tensor.</summary>
        /// <exception cref="InvalidOperationException">The tensor was disposed.</exception>
        public IntPtr Handle => handle != 0 ? handle : throw new InvalidOperationException("Tensor invalid -- empty handle.");

        /// <summary>True once the tensor is disposed.</summary>
        public bool IsInvalid => handle == 0;

        /// <summary>A label for debugging.</summary>
        public string? name { get; set; }

        internal DisposeScope? OwningDisposeScope { get; set; }

        /// <summary>Takes ownership of an at::Tensor*.</summary>
        public static Tensor UnsafeCreateTensor(IntPtr handle) => new(handle);

        /// <summary>Gives up ownership of the at::Tensor*, which the caller must free.</summary>
        public IntPtr DecoupleFromNativeHandle()
        {
            GC.SuppressFinalize(this);
            var decoupled = Handle;
            handle = 0;
            _ = Interlocked.Decrement(ref total);
            return decoupled;
        }

        /// <summary>A second tensor over the same memory.</summary>
        public Tensor alias() => new(Native.Handle(Native.torch_alias(Handle)));

        public Tensor MoveToOuterDisposeScope()
        {
            _ = OwningDisposeScope?.MoveToOuter(this);
            return this;
        }

        public Tensor DetachFromDisposeScope()
        {
            _ = OwningDisposeScope?.Detach(this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(Tensor other) => MoveToOtherDisposeScope(other.OwningDisposeScope);

        public Tensor MoveToOtherDisposeScope(DisposeScope? other)
        {
            if (OwningDisposeScope is { } owner)
                _ = owner.MoveToOther(other, this);
            else
                other?.Attach(this);
            return this;
        }

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            if (handle == 0)
                return;
            DisposeScopeManager.OfThread.CountDisposed(this);
            OwningDisposeScope?.MarkAsDisposed(this);
            _ = Interlocked.Decrement(ref total);
            Native.torch_free(handle);
            handle = 0;
        }

        /// <summary>The tensor's shape, type and device, not its values.</summary>
        public override string ToString() => $"[{string.Join("x", shape)}], type = {dtype}, device = {device}";
    }
}
