using System.Collections.Concurrent;
using System.Text;

namespace TorchSharp;

/// <summary>
/// Calls libtorch's operators by schema name: "add.Tensor" is aten::add, overload Tensor. A call takes the operator's
/// arguments in the schema's order; those left out at the end take the schema's defaults.
/// </summary>
/// <remarks>
/// A handle is looked up once. Names are compared by reference, since each call site passes its own literal (the runtime
/// keeps one string a literal); that makes the look-up a few nanoseconds beside a call's microsecond.
/// </remarks>
/// <exception cref="System.Runtime.InteropServices.ExternalException">libtorch's message, thrown by every method.</exception>
internal static unsafe class Operator
{
    private static readonly ConcurrentDictionary<string, nint> Handles = new(ReferenceEqualityComparer.Instance);

    /// <summary>Calls an operator that returns one tensor.</summary>
    internal static torch.Tensor Call(string name, params ReadOnlySpan<Argument> arguments)
    {
        NativeValue* results;
        _ = Run(name, arguments, &results);
        return new torch.Tensor((nint)results[0].Bits);
    }

    /// <summary>Calls an operator that changes its first argument in place.</summary>
    internal static void Do(string name, params ReadOnlySpan<Argument> arguments) => Run(name, arguments, null);

    /// <summary>Calls an operator that returns two tensors.</summary>
    internal static (torch.Tensor, torch.Tensor) CallTwo(string name, params ReadOnlySpan<Argument> arguments)
    {
        NativeValue* results;
        _ = Run(name, arguments, &results);
        return (new torch.Tensor((nint)results[0].Bits), new torch.Tensor((nint)results[1].Bits));
    }

    /// <summary>Calls an operator that returns a list of tensors, or several.</summary>
    internal static torch.Tensor[] CallMany(string name, params ReadOnlySpan<Argument> arguments)
    {
        NativeValue* results;
        var tensors = new torch.Tensor[Run(name, arguments, &results)];
        for (var i = 0; i < tensors.Length; i++)
            tensors[i] = new torch.Tensor((nint)results[i].Bits);
        return tensors;
    }

    /// <summary>Calls an operator that returns a number or a truth value.</summary>
    internal static Scalar CallScalar(string name, params ReadOnlySpan<Argument> arguments)
    {
        NativeValue* results;
        _ = Run(name, arguments, &results);
        return new Scalar(results[0].Kind, results[0].Bits);
    }

    private static int Run(string name, ReadOnlySpan<Argument> arguments, NativeValue** results)
    {
        var handle = Handles.TryGetValue(name, out var known) ? known : Find(name);
        var values = stackalloc NativeValue[arguments.Length];
        var words = ListWords(arguments);
        // Lists are copied beside the arguments, so that nothing needs pinning; a very long one goes to the heap.
        var room = words <= 256 ? stackalloc long[words] : GC.AllocateUninitializedArray<long>(words, pinned: true);
        fixed (long* start = room)
        {
            var next = start;
            for (var i = 0; i < arguments.Length; i++)
                next = Write(arguments[i], &values[i], next);
            var count = Native.torch_call(handle, values, arguments.Length, results);
            foreach (ref readonly var argument in arguments)
                GC.KeepAlive(argument.Reference);
            return (int)Native.Check(count);
        }
    }

    /// <summary>Writes one argument; the elements of a list go to <paramref name="room"/>. Returns the room after them.</summary>
    private static long* Write(in Argument argument, NativeValue* value, long* room)
    {
        value->Kind = argument.Kind;
        value->Count = argument.Count;
        value->Bits = argument.Bits;
        switch (argument.Kind)
        {
            case Kind.Tensor:
                value->Bits = ((torch.Tensor)argument.Reference!).Handle;
                return room;
            case Kind.Generator:
                value->Bits = ((torch.Generator)argument.Reference!).Handle;
                return room;
            case Kind.IntList:
                var integers = (long[])argument.Reference!;
                integers.CopyTo(new Span<long>(room, integers.Length));
                return List(value, room, integers.Length);
            case Kind.TensorList or Kind.OptionalTensorList:
                var tensors = (torch.Tensor?[])argument.Reference!;
                for (var i = 0; i < tensors.Length; i++)
                    room[i] = tensors[i] is { } tensor ? tensor.Handle : 0;
                return List(value, room, tensors.Length);
            case Kind.String:
                var text = (string)argument.Reference!;
                var bytes = Encoding.UTF8.GetBytes(text, new Span<byte>(room, WordsOf(text) * sizeof(long)));
                _ = List(value, room, bytes);
                return room + WordsOf(text);
            default:
                return room;
        }
    }

    private static long* List(NativeValue* value, long* elements, int count)
    {
        value->Bits = (long)elements;
        value->Count = count;
        return elements + count;
    }

    private static int ListWords(ReadOnlySpan<Argument> arguments)
    {
        var words = 1; // never empty, so that its address is one
        foreach (ref readonly var argument in arguments)
            words += argument.Kind switch
            {
                Kind.IntList or Kind.TensorList or Kind.OptionalTensorList => ((Array)argument.Reference!).Length,
                Kind.String => WordsOf((string)argument.Reference!),
                _ => 0,
            };
        return words;
    }

    private static int WordsOf(string text) => Encoding.UTF8.GetMaxByteCount(text.Length) / sizeof(long) + 1;

    private static nint Find(string name)
    {
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        var (plain, overload) = dot < 0 ? (name, "") : (name[..dot], name[(dot + 1)..]);
        return Handles[name] = Native.Handle(Native.torch_operator("aten::" + plain, overload));
    }
}
