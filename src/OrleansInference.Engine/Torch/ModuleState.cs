using System.Text.RegularExpressions;

namespace OrleansInference.Engine.Torch;

/// <summary>
/// Finds out from an archive's source whether a module keeps something from one call for the next: whether what <c>forward</c> runs assigns
/// an attribute, or changes one in place. What it does while it is trained does not count, since it is not. A call that reaches an attribute
/// through a function of the user's own is not seen.
/// </summary>
internal sealed partial class ModuleState
{
    private static readonly HashSet<string> Mutators =
        ["append", "extend", "insert", "pop", "clear", "remove", "reverse", "sort", "popitem", "setdefault", "update", "_set_item", "Delete"];

    /// <summary>What gives another look at the same memory.</summary>
    private static readonly HashSet<string> Views =
    [
        "slice", "select", "narrow", "view", "view_as", "reshape", "transpose", "t", "permute", "squeeze", "unsqueeze", "expand", "expand_as",
        "flatten", "unflatten", "diagonal", "unbind", "split", "chunk", "detach", "alias", "movedim", "swapaxes",
    ];

    /// <summary>How far an expression is followed: longer than any that is saved, so that no file takes for ever to be read.</summary>
    private const int MaxExpression = 1024;

    private readonly Dictionary<string, List<string>> _calls = [];
    private readonly HashSet<string> _changing = [];
    private readonly HashSet<string> _aliases = [];
    private readonly HashSet<string> _training = [];

    /// <param name="sources">The archive's own code, without that of torch itself.</param>
    public static bool IsKept(IEnumerable<string> sources)
    {
        var search = new ModuleState();
        foreach (var source in sources) search.Visit(source);
        var reached = new HashSet<string> { "forward" };
        var pending = new Stack<string>(reached);
        while (pending.TryPop(out var method))
        {
            if (search._changing.Contains(method)) return true;
            foreach (var called in search._calls.GetValueOrDefault(method, []))
            {
                if (reached.Add(called)) pending.Push(called);
            }
        }

        return false;
    }

    private void Visit(string source)
    {
        var (inModule, method, skipped) = (false, "", int.MaxValue);
        foreach (var line in source.AsSpan().EnumerateLines())
        {
            var text = line.TrimStart();
            var indent = line.Length - text.Length;
            if (text.IsEmpty) continue;
            if (indent == 0)
            {
                inModule = text.StartsWith("class ") && text.EndsWith("(Module):");
                method = "";
            }
            else if (inModule && text.StartsWith("def "))
            {
                (method, skipped) = (text[4..Math.Max(4, text.IndexOf('('))].ToString(), int.MaxValue);
                _aliases.Clear();
                _training.Clear();
                _aliases.Add(FirstName(text[(text.IndexOf('(') + 1)..]));
            }
            else if (method.Length > 0)
            {
                if (indent > skipped) continue;
                skipped = IsTrainingOnly(text) ? indent : int.MaxValue;
                VisitStatement(method, text.ToString());
            }
        }
    }

    private void VisitStatement(string method, string text)
    {
        foreach (var call in Call().EnumerateMatches(text))
        {
            if (!_calls.TryGetValue(method, out var calls)) _calls.Add(method, calls = []);
            var name = text.AsSpan(call.Index, call.Length);
            calls.Add(name[(name.IndexOf('.') + 1)..^1].ToString());
        }

        if (ChangesInPlace(text)) _changing.Add(method);
        var equals = SourceText.Find(text, '=');
        if (equals < 0) return;
        var (target, value) = (text[..equals].Trim(), text[(equals + 1)..].Trim());
        var dot = target.LastIndexOf('.');
        if (dot > 0)
        {
            if (_aliases.Contains(FirstName(target))) _changing.Add(method);
        }
        else if (IsState(value))
        {
            _aliases.UnionWith(target.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
            if (value.EndsWith(".training", StringComparison.Ordinal)) _training.Add(target);
        }
    }

    private bool ChangesInPlace(string text)
    {
        foreach (var call in Operator().EnumerateMatches(text))
        {
            var name = text.AsSpan(call.Index, call.Length - 1);
            name = name[(name.LastIndexOf('.') + 1)..];
            if (!Mutators.Contains(name.ToString()) && (!name.EndsWith("_") || name.EndsWith("__"))) continue;
            if (IsState(text.AsSpan(call.Index + call.Length))) return true;
        }

        return false;
    }

    /// <summary>Whether an expression, which may have more behind it, is an attribute, a part of one, or a view of one.</summary>
    private bool IsState(ReadOnlySpan<char> expression)
    {
        expression = expression[..Math.Min(expression.Length, MaxExpression)];
        while (true)
        {
            expression = expression.TrimStart("( ");
            var name = FirstName(expression);
            var rest = expression[name.Length..];
            switch (name)
            {
                case "torch" when Operator().Match(expression.ToString()) is { Success: true, Index: 0 } call && Views.Contains(call.Value[6..^1]):
                    expression = expression[call.Length..];
                    continue;
                case "getattr" when rest.StartsWith("("):
                    expression = rest[1..];
                    continue;
                case "unchecked_cast" or "annotate" when SourceText.Find(rest[Math.Min(1, rest.Length)..], ',') is >= 0 and var comma:
                    expression = rest[(comma + 2)..];
                    continue;
                default:
                    // What a method of it returns is not it.
                    return _aliases.Contains(name) && !Call().IsMatch(rest.ToString());
            }
        }
    }

    private bool IsTrainingOnly(ReadOnlySpan<char> text) =>
        text.StartsWith("if ") && text.EndsWith(":") && _training.Contains(text[3..^1].Trim("() ").ToString());

    private static string FirstName(ReadOnlySpan<char> text)
    {
        text = text.TrimStart("( ");
        var length = 0;
        while (length < text.Length && (char.IsLetterOrDigit(text[length]) || text[length] == '_')) length++;
        return text[..length].ToString();
    }

    /// <summary>A method's call: the code that is saved puts whose method it is in parentheses.</summary>
    [GeneratedRegex(@"\)\.\w+\(", RegexOptions.NonBacktracking)]
    private static partial Regex Call();

    [GeneratedRegex(@"\b(torch|ops\.\w+)\.\w+\(", RegexOptions.NonBacktracking)]
    private static partial Regex Operator();
}
