namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Statements; the expressions in them are <see cref="ExpressionParser"/>'s.</summary>
internal sealed class Parser
{
    private readonly TokenStream tokens;
    private readonly ExpressionParser expressions;

    /// <summary>The tags that would end each open block, outermost first, for error messages.</summary>
    private readonly Stack<(string Block, string[] Ends)> open = new();
    private int loops;

    private Parser(string template)
    {
        tokens = new TokenStream(Lexer.Tokenize(template));
        expressions = new ExpressionParser(tokens);
    }

    /// <exception cref="ChatTemplateException">The template is not Jinja, or uses a part of it that is not supported.</exception>
    public static IReadOnlyList<Statement> Parse(string template)
    {
        var parser = new Parser(template);
        try
        {
            return parser.ParseUntil();
        }
        catch (JinjaError error)
        {
            throw new ChatTemplateException(error.Message, parser.tokens.Line, error.Feature);
        }
    }

    /// <summary>Statements up to one of the tags <paramref name="ends"/>, which stays; with none, up to the template's end.</summary>
    private List<Statement> ParseUntil(params string[] ends)
    {
        Budget.CheckDepth();
        var statements = new List<Statement>();
        while (true)
        {
            var token = tokens.Take();
            switch (token.Kind)
            {
                case TokenKind.Text:
                    statements.Add(new TextStatement(token.Value, token.Line));
                    break;
                case TokenKind.PrintBegin:
                    statements.Add(new Print(expressions.ParseTuple(), token.Line));
                    tokens.Expect(TokenKind.PrintEnd, "end of print statement");
                    break;
                case TokenKind.BlockBegin:
                    if (tokens.Current.Kind != TokenKind.Name) throw new JinjaError("tag name expected");
                    if (ends.Contains(tokens.Current.Value)) return statements;
                    statements.Add(ParseTag(tokens.Take()));
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
        "break" when loops > 0 => new Break(tag.Line),
        "continue" when loops > 0 => new Continue(tag.Line),
        "break" or "continue" => throw new JinjaError($"'{tag.Value}' outside loop"),
        "include" or "import" or "from" or "extends" => throw new JinjaError($"'{tag.Value}': a chat template has no other templates to load."),
        "autoescape" or "trans" or "print" => throw JinjaError.Unsupported($"the tag '{tag.Value}'"),
        _ => throw new JinjaError($"Encountered unknown tag '{tag.Value}'. {Expected()}"),
    };

    private string Expected() => !open.TryPeek(out var block) ? "" :
        $"Jinja was looking for the following tags: {string.Join(" or ", block.Ends.Select(end => $"'{end}'"))}. "
        + $"The innermost block that needs to be closed is '{block.Block}'.";

    private void EndTag() => tokens.Expect(TokenKind.BlockEnd, "end of statement block");

    /// <summary>Ends the tag and reads the body up to one of <paramref name="ends"/>, whose name is taken.</summary>
    private List<Statement> ParseBody(string block, string[] ends, out string end)
    {
        EndTag();
        open.Push((block, ends));
        var body = ParseUntil(ends);
        open.Pop();
        end = tokens.Take().Value;
        return body;
    }

    private List<Statement> ParseBody(string block) => ParseBody(block, [$"end{block}"], out _);

    private If ParseIf(int line)
    {
        expressions.Conditions++;
        var branches = new List<(Expression, IReadOnlyList<Statement>)>();
        string end;
        do
        {
            var test = expressions.ParseTuple(conditional: false);
            branches.Add((test, ParseBody("if", ["elif", "else", "endif"], out end)));
        }
        while (end == "elif");
        var otherwise = end == "else" ? ParseBody("if", ["endif"], out _) : [];
        expressions.Conditions--;
        return new If(branches, otherwise, line);
    }

    private For ParseFor(int line)
    {
        var target = expressions.ParseTarget(endName: "in");
        if (!tokens.TakeName("in")) throw new JinjaError($"expected token 'in', got '{tokens.Current.Description}'");
        var items = expressions.ParseTuple(conditional: false, endName: "recursive");
        var filter = tokens.TakeName("if") ? expressions.Parse() : null;
        var recursive = tokens.TakeName("recursive");
        loops++;
        var body = ParseBody("for", ["endfor", "else"], out var end);
        loops--;
        var otherwise = end == "else" ? ParseBody("for", ["endfor"], out _) : [];
        return new For(target, items, filter, recursive, body, otherwise, line);
    }

    private Statement ParseSet(int line)
    {
        var target = expressions.ParseTarget(attributes: true);
        if (tokens.TakeOperator("=")) return new Set(target, expressions.ParseTuple(), line);
        var filter = tokens.TakeOperator("|") ? expressions.ParseFilterChain() : null;
        return new SetBlock(target, filter, ParseBody("set"), line);
    }

    private Macro ParseMacro(int line)
    {
        var name = tokens.Expect(TokenKind.Name, "name").Value;
        return ParseMacroBody(name, ParseParameters(), "macro", line);
    }

    private List<(string, Expression?)> ParseParameters()
    {
        tokens.ExpectOperator("(");
        var parameters = new List<(string, Expression?)>();
        while (!tokens.TakeOperator(")"))
        {
            if (parameters.Count > 0) tokens.ExpectOperator(",");
            var name = tokens.Expect(TokenKind.Name, "name").Value;
            var standard = tokens.TakeOperator("=") ? expressions.Parse() : null;
            if (standard is null && parameters.Count > 0 && parameters[^1].Item2 is not null)
                throw new JinjaError("non-default argument follows default argument");
            parameters.Add((name, standard));
        }
        return parameters;
    }

    private Macro ParseMacroBody(string name, List<(string, Expression?)> parameters, string block, int line)
    {
        var outer = (expressions.Names, expressions.Conditions, loops);
        (expressions.Names, expressions.Conditions, loops) = ([], 0, 0);
        var body = ParseBody(block);
        var macro = new Macro(name, parameters, body, expressions.Names, line);
        (expressions.Names, expressions.Conditions, loops) = outer;
        return macro;
    }

    private CallBlock ParseCall(int line)
    {
        var parameters = tokens.IsOperator("(") ? ParseParameters() : [];
        if (expressions.Parse() is not Call call) throw new JinjaError("expected call");
        return new CallBlock(call, ParseMacroBody("caller", parameters, "call", line), line);
    }

    private FilterBlock ParseFilter(int line)
    {
        var filter = expressions.ParseFilterChain();
        return new FilterBlock(filter, ParseBody("filter"), line);
    }

    private With ParseWith(int line)
    {
        var variables = new List<(Expression, Expression)>();
        while (tokens.Current.Kind != TokenKind.BlockEnd)
        {
            if (variables.Count > 0) tokens.ExpectOperator(",");
            var target = expressions.ParseTarget();
            tokens.ExpectOperator("=");
            variables.Add((target, expressions.Parse()));
        }
        return new With(variables, ParseBody("with"), line);
    }

    /// <summary>No template extends another, so a named block is a scope.</summary>
    private With ParseNamedBlock(int line)
    {
        var name = tokens.Expect(TokenKind.Name, "name").Value;
        var body = ParseBody("block");
        tokens.TakeName(name);
        return new With([], body, line);
    }
}
