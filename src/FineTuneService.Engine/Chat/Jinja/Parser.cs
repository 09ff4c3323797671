
namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Statements; the expressions in them are <see cref="ExpressionParser"/>'s.</summary>
internal sealed class Parser
{
    private readonly TokenStream _tokens;
    private readonly ExpressionParser _expressions;

    /// <summary>The tags that would end each open block, outermost first, for error messages.</summary>
    private readonly Stack<(string Block, string[] Ends)> _open = new();
    private readonly Dictionary<string, Block> _blocks = [];
    private readonly Budget _budget = new(MaxNesting);
    private int _loops;

    /// <summary>Each level takes a dozen methods that call each other. Python stops at about a hundred parentheses.</summary>
    private const int MaxNesting = 400;

    private Parser(string template)
    {
        _tokens = new TokenStream(Lexer.Tokenize(template));
        _expressions = new ExpressionParser(_tokens, _budget);
    }

    /// <exception cref="ChatTemplateException">The template is not Jinja, or uses a part of it that is not supported.</exception>
    public static Template Parse(string template)
    {
        var parser = new Parser(template);
        try
        {
            return new Template(parser.ParseUntil(), parser._blocks);
        }
        catch (JinjaError error)
        {
            throw new ChatTemplateException(error.Message, parser._tokens.Line, error.Feature);
        }
    }

    /// <summary>
    /// Statements up to one of the tags <paramref name="ends"/>, which stays; with none, up to the template's end.
    /// </summary>
    private List<Statement> ParseUntil(params string[] ends)
    {
        _budget.Enter();
        var statements = ParseStatements(ends);
        _budget.Leave();
        return statements;
    }

    private List<Statement> ParseStatements(string[] ends)
    {
        var statements = new List<Statement>();
        while (true)
        {
            var token = _tokens.Take();
            switch (token.Kind)
            {
                case TokenKind.Text:
                    statements.Add(new TextStatement(token.Value, token.Line));
                    break;
                case TokenKind.PrintBegin:
                    statements.Add(new Print(_expressions.ParseTuple(), token.Line));
                    _tokens.Expect(TokenKind.PrintEnd, "end of print statement");
                    break;
                case TokenKind.BlockBegin:
                    if (_tokens.Current.Kind != TokenKind.Name) throw new JinjaError("tag name expected");
                    if (ends.Contains(_tokens.Current.Value)) return statements;
                    statements.Add(ParseTag(_tokens.Take()));
                    EndTag();
                    break;
                case TokenKind.End:
                    if (ends.Length == 0) return statements;
                    throw new JinjaError($"Unexpected end of template. {Expected()}");
                default:
                    throw new JinjaError($"unexpected '{token.Description}'");
            }
        }
    }

    private Statement ParseTag(Token tag) => tag.Value switch
    {
        "if" => ParseIf(tag.Line),
        "for" => ParseFor(tag.Line),
        "set" => ParseSet(tag.Line),
        "macro" => ParseMacro(tag.Line),
        "call" => ParseCall(tag.Line),
        "filter" => ParseFilter(tag.Line),
        "with" => ParseWith(tag.Line),
        "generation" => new Generation(ParseBody("generation"), tag.Line),
        "block" => ParseNamedBlock(tag.Line),
        "break" when _loops > 0 => new Break(tag.Line),
        "continue" when _loops > 0 => new Continue(tag.Line),
        "break" or "continue" => throw new JinjaError($"'{tag.Value}' outside loop"),
        "include" or "import" or "from" or "extends" =>
            throw new JinjaError($"'{tag.Value}': a chat template has no other templates to load."),
        "print" => ParsePrint(tag.Line),
        "autoescape" => new AutoEscape(_expressions.Parse(), ParseBody("autoescape"), tag.Line),
        _ => throw new JinjaError($"Encountered unknown tag '{tag.Value}'. {Expected()}"),
    };

    private string Expected() => !_open.TryPeek(out var block) ? "" :
        $"Jinja was looking for the following tags: {string.Join(" or ", block.Ends.Select(end => $"'{end}'"))}. "
        + $"The innermost block that needs to be closed is '{block.Block}'.";

    private void EndTag() => _tokens.Expect(TokenKind.BlockEnd, "end of statement block");

    /// <summary>Ends the tag and reads the body up to one of <paramref name="ends"/>, whose name is taken.</summary>
    private List<Statement> ParseBody(string block, string[] ends, out string end)
    {
        EndTag();
        _open.Push((block, ends));
        var body = ParseUntil(ends);
        _open.Pop();
        end = _tokens.Take().Value;
        return body;
    }

    private List<Statement> ParseBody(string block) => ParseBody(block, [$"end{block}"], out _);

    private If ParseIf(int line)
    {
        _expressions.Conditions++;
        var branches = new List<(Expression, IReadOnlyList<Statement>)>();
        string end;
        do
        {
            var test = _expressions.ParseTuple(conditional: false);
            branches.Add((test, ParseBody("if", ["elif", "else", "endif"], out end)));
        }
        while (end == "elif");
        var otherwise = end == "else" ? ParseBody("if", ["endif"], out _) : [];
        _expressions.Conditions--;
        return new If(branches, otherwise, line);
    }

    private For ParseFor(int line)
    {
        var target = _expressions.ParseTarget(endName: "in");
        if (!_tokens.TakeName("in")) throw new JinjaError($"expected token 'in', got '{_tokens.Current.Description}'");
        var items = _expressions.ParseTuple(conditional: false, endName: "recursive");
        var filter = _tokens.TakeName("if") ? _expressions.Parse() : null;
        var recursive = _tokens.TakeName("recursive");
        _loops++;
        var body = ParseBody("for", ["endfor", "else"], out var end);
        _loops--;
        var otherwise = end == "else" ? ParseBody("for", ["endfor"], out _) : [];
        return new For(target, items, filter, recursive, body, otherwise, line);
    }

    private Statement ParseSet(int line)
    {
        var target = _expressions.ParseTarget(attributes: true);
        if (_tokens.TakeOperator("=")) return new Set(target, _expressions.ParseTuple(), line);
        var filter = _tokens.TakeOperator("|") ? _expressions.ParseFilterChain() : null;
        return new SetBlock(target, filter, ParseBody("set"), line);
    }

    private Macro ParseMacro(int line)
    {
        var name = _tokens.Expect(TokenKind.Name, "name").Value;
        return ParseMacroBody(name, ParseParameters(), "macro", line);
    }

    private List<(string, Expression?)> ParseParameters()
    {
        _tokens.ExpectOperator("(");
        var parameters = new List<(string, Expression?)>();
        while (!_tokens.TakeOperator(")"))
        {
            if (parameters.Count > 0) _tokens.ExpectOperator(",");
            var name = _tokens.Expect(TokenKind.Name, "name").Value;
            var standard = _tokens.TakeOperator("=") ? _expressions.Parse() : null;
            if (standard is null && parameters.Count > 0 && parameters[^1].Item2 is not null)
                throw new JinjaError("non-default argument follows default argument");
            parameters.Add((name, standard));
        }
        return parameters;
    }

    private Macro ParseMacroBody(string name, List<(string, Expression?)> parameters, string block, int line)
    {
        var outer = (_expressions.Names, _expressions.Conditions, _loops);
        (_expressions.Names, _expressions.Conditions, _loops) = ([], 0, 0);
        var body = ParseBody(block);
        var macro = new Macro(name, parameters, body, _expressions.Names, line);
        (_expressions.Names, _expressions.Conditions, _loops) = outer;
        return macro;
    }

    private CallBlock ParseCall(int line)
    {
        var parameters = _tokens.IsOperator("(") ? ParseParameters() : [];
        if (_expressions.Parse() is not Call call) throw new JinjaError("expected call");
        return new CallBlock(call, ParseMacroBody("caller", parameters, "call", line), line);
    }

    private FilterBlock ParseFilter(int line)
    {
        var filter = _expressions.ParseFilterChain();
        return new FilterBlock(filter, ParseBody("filter"), line);
    }

    private With ParseWith(int line)
    {
        var variables = new List<(Expression, Expression)>();
        while (_tokens.Current.Kind != TokenKind.BlockEnd)
        {
            if (variables.Count > 0) _tokens.ExpectOperator(",");
            var target = _expressions.ParseTarget();
            _tokens.ExpectOperator("=");
            variables.Add((target, _expressions.Parse()));
        }
        return new With(variables, ParseBody("with"), line);
    }

    private Print ParsePrint(int line)
    {
        var values = new List<Expression>();
        while (_tokens.Current.Kind != TokenKind.BlockEnd)
        {
            if (values.Count > 0) _tokens.ExpectOperator(",");
            values.Add(_expressions.Parse());
        }
        return new Print(new Concatenation(values, line), line);
    }

    private Block ParseNamedBlock(int line)
    {
        var name = _tokens.Expect(TokenKind.Name, "name").Value;
        var (scoped, required) = (_tokens.TakeName("scoped"), _tokens.TakeName("required"));
        if (_tokens.IsOperator("-"))
            throw new JinjaError("Block names in Jinja have to be valid Python identifiers and may not contain hyphens, use an underscore instead.");
        var loops = _loops;
        _loops = 0;
        var body = ParseBody("block");
        _loops = loops;
        _tokens.TakeName(name);
        if (required && body.Any(statement => statement is not TextStatement text || !Text.IsBlank(text.Text)))
            throw new JinjaError("Required blocks can only contain comments or whitespace");
        var block = new Block(name, body, scoped, required, line);
        return _blocks.TryAdd(name, block) ? block : throw new JinjaError($"block '{name}' defined twice");
    }
}
