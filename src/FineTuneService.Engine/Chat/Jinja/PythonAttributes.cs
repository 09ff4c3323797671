using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>
/// The attributes with underscores that Python's objects have. A template may not read them, but it makes a difference whether they are
/// there: what is there prints as nothing, what is not is missing, and on an undefined value an error.
/// </summary>
internal static class PythonAttributes
{
    private static readonly HashSet<string> OfEvery = Names("""
        __class__ __delattr__ __dir__ __doc__ __eq__ __format__ __ge__ __getattribute__ __getstate__ __gt__ __hash__ __init__ __init_subclass__
        __le__ __lt__ __ne__ __new__ __reduce__ __reduce_ex__ __repr__ __setattr__ __sizeof__ __str__ __subclasshook__
        """);

    private static readonly HashSet<string> OfText = Names("__add__ __contains__ __getitem__ __getnewargs__ __iter__ __len__ __mod__ __mul__ __rmod__ __rmul__");

    private static readonly HashSet<string> OfList = Names("""
        __add__ __class_getitem__ __contains__ __delitem__ __getitem__ __iadd__ __imul__ __iter__ __len__ __mul__ __reversed__ __rmul__ __setitem__
        """);

    private static readonly HashSet<string> OfDict = Names("""
        __class_getitem__ __contains__ __delitem__ __getitem__ __ior__ __iter__ __len__ __or__ __reversed__ __ror__ __setitem__
        """);

    private static readonly HashSet<string> OfTuple = Names("__add__ __class_getitem__ __contains__ __getitem__ __getnewargs__ __iter__ __len__ __mul__ __rmul__");

    private static readonly HashSet<string> OfFloat = Names("""
        __abs__ __add__ __bool__ __ceil__ __divmod__ __float__ __floor__ __floordiv__ __getformat__ __getnewargs__ __int__ __mod__ __mul__ __neg__
        __pos__ __pow__ __radd__ __rdivmod__ __rfloordiv__ __rmod__ __rmul__ __round__ __rpow__ __rsub__ __rtruediv__ __sub__ __truediv__ __trunc__
        """);

    private static readonly HashSet<string> OfInteger = Names("""
        __abs__ __add__ __and__ __bool__ __ceil__ __divmod__ __float__ __floor__ __floordiv__ __getnewargs__ __index__ __int__ __invert__ __lshift__
        __mod__ __mul__ __neg__ __or__ __pos__ __pow__ __radd__ __rand__ __rdivmod__ __rfloordiv__ __rlshift__ __rmod__ __rmul__ __ror__ __round__
        __rpow__ __rrshift__ __rshift__ __rsub__ __rtruediv__ __rxor__ __sub__ __truediv__ __trunc__ __xor__
        """);

    private static readonly HashSet<string> OfUndefined = Names("""
        __add__ __aiter__ __bool__ __call__ __complex__ __div__ __float__ __floordiv__ __getattr__ __getitem__ __int__ __iter__ __len__ __mod__
        __module__ __mul__ __neg__ __pos__ __pow__ __radd__ __rdiv__ __rfloordiv__ __rmod__ __rmul__ __rpow__ __rsub__ __rtruediv__ __slots__ __sub__
        __truediv__ _fail_with_undefined_error _undefined_exception _undefined_hint _undefined_message _undefined_name _undefined_obj
        """);

    private static readonly HashSet<string> OfRange = Names("__bool__ __contains__ __getitem__ __iter__ __len__ __reversed__");

    private static readonly HashSet<string> OfView = Names("__and__ __contains__ __iter__ __len__ __or__ __rand__ __reversed__ __ror__ __rsub__ __rxor__ __sub__ __xor__");

    private static readonly HashSet<string> OfFunction = Names("__call__ __module__ __name__ __qualname__ __self__ __text_signature__ __get__");

    private static readonly HashSet<string> OfObject = Names("""
        __call__ __dict__ __module__ __weakref__ __iter__ __len__ __next__ __annotations__ _after _before _current _iterable _iterator
        _last_changed_value _length _peek_next _recurse _to_iterator _undefined _argument_count _environment _func _invoke _context _depth _stack
        """);

    public static bool Has(object? target, string name) => target is TemplateNamespace ? name == "__class__"
        : OfEvery.Contains(name) || Own(target).Contains(name);

    private static HashSet<string> Own(object? target) => target switch
    {
        null => ["__bool__"],
        string => OfText,
        List<object?> => OfList,
        Dict => OfDict,
        PythonTuple or ItemGroup => OfTuple,
        bool or BigInteger => OfInteger,
        double => OfFloat,
        Undefined => OfUndefined,
        PythonRange => OfRange,
        DictView => OfView,
        Function => OfFunction,
        _ => OfObject,
    };

    private static HashSet<string> Names(string names) => [.. names.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)];
}
