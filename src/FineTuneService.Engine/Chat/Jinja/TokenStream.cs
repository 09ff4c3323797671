namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>The tokens of a template with a cursor; both parsers move it.</summary>
internal sealed class TokenStream(IReadOnlyList<Token> tokens)
{
    private int _position;

    public Token Current => tokens[_position];

    public Token Ahead => tokens[Math.Min(_position + 1, tokens.Count - 1)];

    public int Line => Current.Line;

    public Token Take()
    {
        var token = Current;
        if (_position < tokens.Count - 1) _position++;
        return token;
    }

    public bool IsName(string name) => Current.Is(TokenKind.Name, name);

    public bool IsOperator(string value) => Current.Is(TokenKind.Operator, value);

    public bool TakeName(string name) => TakeIf(IsName(name));

    public bool TakeOperator(string value) => TakeIf(IsOperator(value));

    public Token Expect(TokenKind kind, string description) =>
        Current.Kind == kind ? Take() : throw new JinjaError($"expected token '{description}', got '{Current.Description}'");

    public void ExpectOperator(string value)
    {
        if (!TakeOperator(value)) throw new JinjaError($"expected token '{value}', got '{Current.Description}'");
    }

    private bool TakeIf(bool condition)
    {
        if (condition) Take();
        return condition;
    }
}
