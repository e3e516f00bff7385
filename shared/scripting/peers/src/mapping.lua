local function local_part(address) return address:match("^[^@]*") end

function map_user(source)
  local target = {}
  local name = local_part(source.userPrincipalName):lower()
  target.userPrincipalName = name .. "@fabrikam.com"
  target.mailNickname = name
  target.displayName = source.surname .. ", " .. source.givenName
  local moved = {}
  for _, address in ipairs(source.proxyAddresses) do
    if address:lower():sub(1, 5) == "smtp:" and not address:find("%.onmicrosoft%.com$") then
      moved[#moved + 1] = address:sub(1, 5) .. local_part(address:sub(6)):lower() .. "@fabrikam.com"
    end
  end
  target.proxyAddresses = moved
  target.usageLocation = source.usageLocation or "DE"
  for _, key in ipairs({ "givenName", "surname", "jobTitle", "department", "companyName", "city", "country", "employeeId" }) do
    target[key] = source[key]
  end
  for number = 1, 15 do
    local key = "extensionAttribute" .. number
    target[key] = source[key]
  end
  return target
end
