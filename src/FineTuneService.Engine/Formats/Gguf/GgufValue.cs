namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>A metadata value with the type that its file gives it.</summary>
/// <param name="Value">A string, a bool, a long (an ulong beyond it), a double, or a <see cref="GgufArray"/>.</param>
internal sealed record GgufValue(GgufValueType Type, object Value)
{
    public static GgufValue Of(string text) => new(GgufValueType.String, text);

    public static GgufValue Of(bool flag) => new(GgufValueType.Bool, flag);

    public static GgufValue Of(uint number) => new(GgufValueType.UInt32, (long)number);

    public static GgufValue Of(float number) => new(GgufValueType.Float32, (double)number);

    public static GgufValue Of(GgufArray list) => new(GgufValueType.Array, list);
}
