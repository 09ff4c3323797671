using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace FineTuneService.Engine.Formats.Torch;

/// <summary>
/// Reads one pickle (Python's pickletools documents the opcodes, protocols 2 to 5) as data. It is a machine with a stack and a memo; both,
/// and the number of values made, are bounded, it calls nothing but <see cref="PickleGlobals"/>, and it does not recurse.
/// </summary>
/// <param name="where">The file, for messages.</param>
internal sealed class Unpickler(Stream input, string where)
{
    private const int MostValues = 2_000_000, MostMemos = 1_000_000, LongestText = 1 << 16;
    private const long MostTextBytes = 64 << 20;

    private static readonly object s_mark = new();

    private readonly List<object?> _stack = [];
    private readonly Dictionary<long, object?> _memo = [];
    private int _made;
    private long _textBytes;

    /// <exception cref="TorchException">It is damaged, too large, or asks for more than data.</exception>
    public object? Read()
    {
        while (true)
        {
            int opcode = input.ReadByte();
            if (opcode < 0) throw Refuse("it is truncated");
            if (opcode == '.') return Pop();
            Step((char)opcode);
        }
    }

    private void Step(char opcode)
    {
        switch (opcode)
        {
            case '\x80': // PROTO
                if (Byte() is not (>= 2 and <= 5) and var protocol) throw Refuse($"pickle protocol {protocol} is not read; save it with torch.save's own");
                break;
            case '\x95': // FRAME
                Take(8);
                break;
            case '(':
                Push(s_mark);
                break;
            case '0':
                Pop();
                break;
            case '1': // POP_MARK
                PopToMark();
                break;
            case '2':
                Push(Peek());
                break;
            default:
                if (!Constant(opcode) && !Number(opcode) && !Text(opcode) && !Memo(opcode) && !Container(opcode) && !Object(opcode))
                    throw Refuse($"it uses the pickle opcode 0x{(int)opcode:X2}, which no state dict needs");
                break;
        }
    }

    private bool Constant(char opcode)
    {
        switch (opcode)
        {
            case 'N':
                Push(null);
                return true;
            case '\x88':
                Push(true);
                return true;
            case '\x89':
                Push(false);
                return true;
            default:
                return false;
        }
    }

    private bool Number(char opcode)
    {
        switch (opcode)
        {
            case 'K':
                Push((long)Byte());
                return true;
            case 'M':
                Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2)));
                return true;
            case 'J':
                Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4)));
                return true;
            case 'G':
                Push(BinaryPrimitives.ReadDoubleBigEndian(Take(8)));
                return true;
            case '\x8a': // LONG1
                int length = Byte();
                var whole = new BigInteger(Take(length));
                Push(whole >= long.MinValue && whole <= long.MaxValue ? (long)whole : whole);
                return true;
            default:
                return false;
        }
    }

    private bool Text(char opcode)
    {
        switch (opcode)
        {
            case 'X': // BINUNICODE
                Push(Utf8(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))));
                return true;
            case '\x8c': // SHORT_BINUNICODE
                Push(Utf8(Byte()));
                return true;
            case '\x8d': // BINUNICODE8
                Push(Utf8(BinaryPrimitives.ReadUInt64LittleEndian(Take(8))));
                return true;
            case 'U': // SHORT_BINSTRING
                Push(Utf8(Byte()));
                return true;
            default:
                return false;
        }
    }

    private bool Memo(char opcode)
    {
        switch (opcode)
        {
            case 'q':
                Remember(Byte());
                return true;
            case 'r':
                Remember(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)));
                return true;
            case '\x94': // MEMOIZE
                Remember(_memo.Count);
                return true;
            case 'h':
                Push(Recall(Byte()));
                return true;
            case 'j':
                Push(Recall(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))));
                return true;
            default:
                return false;
        }
    }

    private bool Container(char opcode)
    {
        switch (opcode)
        {
            case '}':
                Push(new PickleDict());
                return true;
            case ']':
                Push(new PickleList());
                return true;
            case ')':
                Push(new PickleTuple([]));
                return true;
            case '\x85' or '\x86' or '\x87': // TUPLE1 to TUPLE3
                Push(new PickleTuple(PopMany(opcode - '\x84')));
                return true;
            case 't':
                Push(new PickleTuple(PopToMark()));
                return true;
            case 's':
                SetItems(PopMany(2));
                return true;
            case 'u':
                SetItems(PopToMark());
                return true;
            case 'a':
                Append(PopMany(1));
                return true;
            case 'e':
                Append(PopToMark());
                return true;
            default:
                return false;
        }
    }

    private bool Object(char opcode)
    {
        switch (opcode)
        {
            case 'c': // GLOBAL
                Push(Global(Line(), Line()));
                return true;
            case '\x93': // STACK_GLOBAL
                Push(PopMany(2) is [string module, string name] ? Global(module, name) : throw Refuse("it names a global by what is no text"));
                return true;
            case 'R': // REDUCE
                Push(PopMany(2) is [PickleGlobal called, PickleTuple arguments] && PickleGlobals.Call(called, arguments.Items) is { } made
                    ? made : throw Refuse("it makes a value in a way that no state dict needs"));
                return true;
            case 'Q': // BINPERSID
                Push(PickleGlobals.Storage(Pop()) ?? throw Refuse("it refers to a storage in a way that is not known"));
                return true;
            case 'b': // BUILD: an ordered dictionary's attributes, such as _metadata. They hold no tensor.
                if (PopMany(2) is not [PickleDict built, PickleDict]) throw Refuse("it sets attributes of what is no dictionary");
                Push(built);
                return true;
            default:
                return false;
        }
    }

    private PickleGlobal Global(string module, string name)
    {
        var global = new PickleGlobal(module, name);
        return PickleGlobals.Knows(global) ? global : throw Refuse($"it asks for {Short(module)}.{Short(name)}, which may be code; nothing but tensors is read. Save the model as safetensors");
    }

    private void SetItems(object?[] items)
    {
        if (Peek() is not PickleDict dict || items.Length % 2 != 0) throw Refuse("it sets items of what is no dictionary");
        for (int i = 0; i < items.Length; i += 2)
        {
            if (items[i] is string key) dict.Items[key] = items[i + 1];
            else dict.OtherKey = Short(Convert.ToString(items[i], System.Globalization.CultureInfo.InvariantCulture) ?? "None");
        }
    }

    private void Append(object?[] items)
    {
        if (Peek() is not PickleList list) throw Refuse("it appends to what is no list");
        list.Items.AddRange(items);
    }

    private void Push(object? value)
    {
        if (++_made > MostValues) throw Refuse($"it holds more than {MostValues} values");
        _stack.Add(value);
    }

    private object? Peek() => _stack.Count > 0 ? _stack[^1] : throw Refuse("its stack runs empty");

    private object? Pop() => PopMany(1)[0];

    private object?[] PopMany(int count)
    {
        if (_stack.Count < count) throw Refuse("its stack runs empty");
        object?[] values = [.. _stack[^count..]];
        if (Array.IndexOf(values, s_mark) >= 0) throw Refuse("its marks do not match");
        _stack.RemoveRange(_stack.Count - count, count);
        return values;
    }

    private object?[] PopToMark()
    {
        int mark = _stack.LastIndexOf(s_mark);
        if (mark < 0) throw Refuse("its marks do not match");
        object?[] values = [.. _stack[(mark + 1)..]];
        _stack.RemoveRange(mark, _stack.Count - mark);
        return values;
    }

    private void Remember(long index)
    {
        if (ReferenceEquals(Peek(), s_mark)) throw Refuse("its marks do not match");
        if (_memo.Count >= MostMemos && !_memo.ContainsKey(index)) throw Refuse($"it remembers more than {MostMemos} values");
        _memo[index] = Peek();
    }

    private object? Recall(long index) => _memo.TryGetValue(index, out object? value) ? value : throw Refuse("it recalls what it has not remembered");

    private byte Byte() => Take(1)[0];

    private byte[] Take(int count)
    {
        var bytes = new byte[count];
        return input.ReadAtLeast(bytes, count, throwOnEndOfStream: false) == count ? bytes : throw Refuse("it is truncated");
    }

    private string Utf8(ulong length)
    {
        if (length > LongestText || (_textBytes += (long)length) > MostTextBytes) throw Refuse($"it holds a text of {length} bytes, or more than {MostTextBytes} bytes of texts");
        return Encoding.UTF8.GetString(Take((int)length));
    }

    private string Line()
    {
        var text = new StringBuilder();
        for (int unit = Byte(); unit != '\n'; unit = Byte())
        {
            if (text.Length == 256) throw Refuse("it holds a name that is too long");
            text.Append((char)unit);
        }
        return text.ToString();
    }

    private static string Short(string text) => text.Length > 80 ? text[..80] + "…" : text;

    private TorchException Refuse(string why) => new($"{where} is not a usable PyTorch file: {why}.");
}
