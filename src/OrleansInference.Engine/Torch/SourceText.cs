using System.Text.RegularExpressions;

namespace OrleansInference.Engine.Torch;

/// <summary>Finds its way in source text, past what stands in brackets and in quotes.</summary>
internal static partial class SourceText
{
    /// <summary>The first place of a character that is in no brackets and no quotes.</summary>
    /// <returns>-1 where there is none.</returns>
    public static int Find(ReadOnlySpan<char> source, char wanted)
    {
        var depth = 0;
        for (var i = 0; i < source.Length; i++)
        {
            if (depth == 0 && source[i] == wanted) return i;
            switch (source[i])
            {
                case '(' or '[' or '{':
                    depth++;
                    break;
                case ')' or ']' or '}':
                    depth--;
                    break;
                case '"' or '\'':
                    i = EndOfText(source, i);
                    break;
            }

            if (depth < 0) return -1;
        }

        return -1;
    }

    /// <summary>What stands between commas, up to a closing bracket. A last comma has nothing behind it.</summary>
    /// <returns>Null where the bracket is missing.</returns>
    public static List<string>? Split(ReadOnlySpan<char> source, char close, out int end)
    {
        end = Find(source, close);
        if (end < 0) return null;
        var parts = new List<string>();
        for (var rest = source[..end]; !rest.IsWhiteSpace();)
        {
            var comma = Find(rest, ',');
            parts.Add((comma < 0 ? rest : rest[..comma]).Trim().ToString());
            rest = comma < 0 ? [] : rest[(comma + 1)..];
        }

        return parts;
    }

    /// <summary>The text in one line.</summary>
    public static string Flatten(ReadOnlySpan<char> source) => WhiteSpace().Replace(source.Trim().ToString(), " ");

    /// <summary>The place of the quote that ends a text.</summary>
    private static int EndOfText(ReadOnlySpan<char> source, int start)
    {
        var quote = source[start];
        for (var i = start + 1; i < source.Length; i++)
        {
            if (source[i] == '\\') i++;
            else if (source[i] == quote) return i;
        }

        return source.Length;
    }

    [GeneratedRegex(@"\s+", RegexOptions.NonBacktracking)]
    private static partial Regex WhiteSpace();
}
