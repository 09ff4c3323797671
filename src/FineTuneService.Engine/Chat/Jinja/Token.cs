namespace FineTuneService.Engine.Chat.Jinja;

internal enum TokenKind { Text, PrintBegin, PrintEnd, BlockBegin, BlockEnd, Name, String, Integer, Float, Operator, End }

/// <param name="Value">The text itself; for a string literal its value, with the escapes replaced.</param>
/// <param name="Line">1-based.</param>
internal readonly record struct Token(TokenKind Kind, string Value, int Line)
{
    public bool Is(TokenKind kind, string value) => Kind == kind && Value == value;

    /// <summary>How an error message names the token, as Jinja does.</summary>
    public string Description => Kind switch
    {
        TokenKind.PrintEnd => "end of print statement",
        TokenKind.BlockEnd => "end of statement block",
        TokenKind.End => "end of template",
        TokenKind.String => "string",
        TokenKind.Integer => "integer",
        TokenKind.Float => "float",
        _ => Value,
    };
}
