namespace OrleansInference.Engine.Verification;

/// <summary>Reads what a process says to its end and keeps the last of it: a model may print for as long as it runs.</summary>
internal static class OutputTail
{
    public const int MaxCharacters = 16 * 1024;

    public static async Task<string> ReadAsync(TextReader reader, CancellationToken cancellationToken)
    {
        var tail = "";
        var buffer = new char[MaxCharacters];
        for (int read; (read = await reader.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            tail += new string(buffer, 0, read);
            if (tail.Length > MaxCharacters) tail = tail[^MaxCharacters..];
        }

        return tail;
    }
}
